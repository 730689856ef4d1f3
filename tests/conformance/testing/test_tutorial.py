"""The tutorial's files as they are, and the sample of OpenAI's guide as it is, with a caller on the line."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import turn_at
from pytest_process import PATIENCE, run_pytest
from ringback.conformance.testing import Ringback

TUTORIAL = Path(__file__).parents[3] / "docs" / "examples" / "tutorial"
pytestmark = [pytest.mark.xdist_group("port 8000"), pytest.mark.timeout(PATIENCE + 10)]


@pytest.fixture
def port_8000() -> Iterator[None]:
    with turn_at(8000):
        yield


def run_tutorial(tmp_path: Path, *files: str, **environment: str) -> str:
    """What pytest says of the tutorial in a folder of its own."""
    for file in TUTORIAL.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    strict = ("-q", "-W", "error::pytest.PytestUnhandledThreadExceptionWarning")
    ran = run_pytest(*strict, *files, folder=tmp_path, environment={**os.environ, **environment})
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.mark.parametrize("framework", ["flask", "fastapi"])
def test_example_passes_against_the_application(port_8000: None, tmp_path: Path, framework: str) -> None:
    assert "1 passed" in run_tutorial(tmp_path, "test_transfer.py", FRAMEWORK=framework)


def test_applications_are_called_in_process(tmp_path: Path) -> None:
    assert "2 passed" in run_tutorial(tmp_path, "test_in_process.py")


def test_sample_of_the_guide_passes_the_example_with_its_own_greeting(
    port_8000: None, ringback: Ringback, shared: Path
) -> None:
    sample = shared / "samples" / "sip_webhook_app.py"
    ringback.start(sys.executable, sample, ready="Running on http://127.0.0.1:8000")
    ringback.webhook("http://127.0.0.1:8000/")
    call = ringback.dial(from_="+14255550112", headers={"X-Account": "42"})
    call.answered(within=2)
    assert call.hears() == "Thank you for calling, how can I help you"
    call.say("I would like to talk to a human")
    assert call.hears() == "I would like to talk to a human"
    call.hang_up()
    ringback.journal.wait_for("channel.detached")
    assert call.heard == ["Thank you for calling, how can I help you", "I would like to talk to a human"]
