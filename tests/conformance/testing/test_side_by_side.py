"""Sixteen tests at once: every process has its own emulator, every test its own project."""

import os
from pathlib import Path

import pytest
from pytest_process import run_pytest

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
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ran = run_pytest("-q", "-n", "16", folder=tmp_path, environment=environment, patience=PATIENCE)
    assert ran.returncode == 0, ran.stdout
    assert "16 passed" in ran.stdout
