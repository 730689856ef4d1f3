"""Calls that come and go for two minutes, in every way, leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak_webrtc.py"
MINUTES = 2.0 if os.environ.get("CI") else 0.3


@pytest.mark.timeout(240)
def test_webrtc_calls_that_come_and_go_leave_nothing_behind() -> None:
    arguments = [sys.executable, str(SOAK), "--minutes", str(MINUTES)]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=230, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for how in ("'caller': ", "'API': ", "'vanished': "):
        assert how in ended.stdout
