"""What every benchmark of this folder needs: medians, and the name of the machine that they were taken on."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

RUNS = 5


def medians(measure: Callable[[], float], *, runs: int = RUNS) -> tuple[float, float, float]:
    """Smallest, median and largest of `runs` measurements. The first, which warms caches, is thrown away."""
    measure()
    return spread([measure() for _ in range(runs)])


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Smallest, median and largest."""
    return min(values), statistics.median(values), max(values)


def wait_for_quiet(limit: float = 5.0) -> None:
    """Return once others leave nine tenths of the processors idle for half a second, or after `limit` seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        before = _idle_and_total()
        time.sleep(0.5)
        idle, total = (after - earlier for after, earlier in zip(_idle_and_total(), before, strict=True))
        if idle >= 0.9 * total:
            return


def _idle_and_total() -> tuple[int, int]:
    lines = _lines("/proc/stat")
    if not lines:
        return 1, 1
    ticks = [int(field) for field in lines[0].split()[1:]]
    return ticks[3] + ticks[4], sum(ticks)


def describe() -> str:
    """One line: processor, cores, memory, Python, kernel, load."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or "unknown processor",
    )
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}, load {load:.1f} at the start"
    )


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
