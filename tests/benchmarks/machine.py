"""What every benchmark of this folder needs: medians, and the name of the machine that they were taken on."""

import os
import platform
import statistics
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
