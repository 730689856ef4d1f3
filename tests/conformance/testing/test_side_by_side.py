"""Sixteen tests at once: every process has its own emulator, every test its own project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 600
"""Seconds: sixteen processes that import all that they need take twenty on two idle cores, and minutes on busy ones."""
TEST = """
import pytest
from applications import Asgi, SESSION


async def hang_up(client, call_id):
    await client.realtime.calls.accept(call_id, **SESSION)
    await client.realtime.calls.hangup(call_id)


@pytest.mark.parametrize("number", range(16))
def test_call(ringback, number):
    ringback.webhook(Asgi(hang_up))
    call = ringback.dial(from_=f"+142555501{number:02}", via="memory" if number % 2 else "sip")
    call.ended(by="application", within=30)
    ringback.journal.wait_for("webhook.delivered", within=30)
    assert len(ringback.journal.records("call.ended")) == 1
    assert len(ringback.journal.requests_to("accept$")) == 1
"""


@pytest.mark.timeout(PATIENCE + 10)
def test_sixteen_tests_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    (tmp_path / "test_many.py").write_text(TEST)
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "16", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "16 passed" in ran.stdout
