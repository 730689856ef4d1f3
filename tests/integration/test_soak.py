"""A slice of the soak: hundreds of calls that end in every way, and nothing is left of them."""

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[1] / "benchmarks" / "soak.py"
BYTES = "20000"
"""A session that was kept has more; a slice is too short to see less."""


@pytest.mark.timeout(120)
def test_calls_that_end_in_every_way_leave_nothing_behind() -> None:
    arguments = ["--calls", "240", "--at-once", "20", "--seconds", "1", "--trace", "--growth", BYTES]
    ended = subprocess.run(
        [sys.executable, str(SOAK), *arguments], capture_output=True, text=True, timeout=110, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for way in ("'BYE': ", "'CANCEL': ", "'cut': "):
        assert way in ended.stdout
