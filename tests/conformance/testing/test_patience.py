"""How long tests wait on a slow machine: what they say, times the patience."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from control_client import Client
from pytest_process import PATIENCE, run_pytest
from ringback.conformance.control import Control
from ringback.conformance.testing import ExpectationFailed, WrongUse
from ringback.conformance.testing.emulator_thread import EmulatorThread
from ringback.conformance.testing.patience import patience_of
from ringback.conformance.testing.project import ProjectOfTest
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

TEST = """
def test_waits(ringback):
    ringback.journal.wait_for("call.ended", within=0.01)


def test_waits_under_the_manual_clock(ringback_manual_emulator):
    assert ringback_manual_emulator.open_project(patience=7).journal.patient(2.0) == 2.0
"""
pytestmark = pytest.mark.timeout(PATIENCE + 10)
FREE_PORTS = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}


def run_tests(folder: Path, ini: str, **environment: str) -> str:
    (folder / "test_waits.py").write_text(TEST, encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n", encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if name != "RINGBACK_PATIENCE"}
    ran = run_pytest("-q", folder=folder, environment={**inherited, **environment})
    return ran.stdout + ran.stderr


@pytest.fixture
def project(ringback_emulator: EmulatorThread) -> Iterator[ProjectOfTest]:
    """A project whose tests wait for a tenth of what they say."""
    project = ringback_emulator.open_project(patience=0.1)
    yield project
    ringback_emulator.thread.run(project.close())


@pytest.mark.parametrize(
    ("ini", "environment", "waited"),
    [
        ("", {}, "0.01"),
        ("ringback_patience = 2.5", {}, "0.025"),
        ("ringback_patience = 2.5", {"RINGBACK_PATIENCE": "4"}, "0.04"),
    ],
    ids=["default", "ini", "environment"],
)
def test_test_waits_as_long_as_its_machine_needs(
    tmp_path: Path, ini: str, environment: dict[str, str], waited: str
) -> None:
    shown = run_tests(tmp_path, ini, **environment)
    assert f"call.ended within {waited} s" in shown
    assert "1 failed, 1 passed" in shown


def test_user_is_told_what_patience_may_be(tmp_path: Path) -> None:
    assert "patience 'much': give a number above 0" in run_tests(tmp_path, "ringback_patience = much")


@pytest.mark.parametrize("said", ["0", "-1", "inf", "nan", ""])
def test_patience_is_a_number_above_zero(said: str) -> None:
    with pytest.raises(WrongUse, match="give a number above 0"):
        patience_of(said)


def test_every_expectation_is_patient(ringback_emulator: EmulatorThread, project: ProjectOfTest) -> None:
    run = ringback_emulator.thread.run
    caller = run(project.dial("+14255550112", None, {}, "tls", "memory"))
    program = project.start([sys.executable, "-c", "import signal; signal.pause()"], {}, None)
    for expectation in (
        caller.answered(0.1),
        caller.rejected(within=0.1),
        caller.hears(within=0.1),
        caller.transferred_to("tel:+14155550123", within=0.1),
        caller.ended(within=0.1),
        project.journal.wait_for("call.ended", within=0.1),
    ):
        with pytest.raises(ExpectationFailed, match=r"within 0\.01 s"):
            run(expectation)
    with pytest.raises(ExpectationFailed, match=r"within 0\.01 s"):
        program.prints("ready", within=0.1)
    project.end_programs()


def test_application_that_does_not_start_is_not_waited_for_for_ever(
    ringback_emulator: EmulatorThread, project: ProjectOfTest
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(WrongUse, match=r"its lifespan has said nothing for 2 s"):
        ringback_emulator.thread.run(project.webhook(application, "/"))


async def test_control_api_is_patient() -> None:
    async with (
        Emulator(Settings(**FREE_PORTS), control=Control(patience=0.1)) as emulator,
        aiohttp.ClientSession() as http,
    ):
        client = Client(http, emulator.ready.admin_url)
        call = (await client.done("POST", "calls", via="memory"))["number"]
        status, body = await client("POST", f"calls/{call}/expect", answered=True, within=0.1)
        assert status == 417
        assert "within 0.01 s" in body["error"]["message"]
