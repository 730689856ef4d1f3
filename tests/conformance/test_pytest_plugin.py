"""`pytest --pyargs ringback.conformance`: the same run as tests, with xdist; by the wheel it is a part of `tox`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_process import PATIENCE, run_pytest

START_SHARE = 0.1
"""Of the processor time that the import of pytest takes, which is about 200 ms: the plugin may take 20."""
pytestmark = pytest.mark.timeout(PATIENCE + 10)


def judge(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "RINGBACK_"))}
    return run_pytest("--pyargs", "ringback.conformance", *arguments, folder=folder, environment=environment)


def test_requirements_are_tests_in_an_empty_folder(tmp_path: Path) -> None:
    done = judge(tmp_path, "--ringback-target=emulator", "--ringback-only=CALL-REJECT-01", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "suite.py::CALL-REJECT-01 PASSED" in done.stdout
    assert "1 passed" in done.stdout


def test_requirements_are_shared_among_workers(tmp_path: Path) -> None:
    done = judge(tmp_path, "--ringback-only=CALL-REJECT,AUTH", "-n2", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_target_that_is_down_fails_every_test_with_the_reason(tmp_path: Path, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/v1"
    done = judge(
        tmp_path, "--ringback-target=url", f"--ringback-base-url={url}", "--ringback-only=AUTH-KEY-01,AUTH-KEY-02"
    )
    assert done.returncode == 1
    assert "2 failed" in done.stdout
    assert "does not answer" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ringback-target=moon",), "emulator, url, live"),
        (("--ringback-only=NOTHING",), "NOTHING is no requirement"),
        (("--ringback-target=live",), "real calls cost money"),
        (
            ("--ringback-target=url", "--ringback-base-url=http://h/v1", "--ringback-webhook-port=1", "-n1"),
            "without -n",
        ),
    ],
)
def test_wrong_options_are_told_before_a_test_runs(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = judge(tmp_path, *arguments)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


def test_known_gap_is_an_expected_failure_and_a_closed_one_fails(tmp_path: Path) -> None:
    gaps = tmp_path / "gaps.toml"
    gaps.write_text('[[gap]]\nid = "CALL-REJECT-01"\nreason = "x"\nlink = "y"\nexpires = 9999-12-31\n')
    done = judge(tmp_path, "--ringback-only=CALL-REJECT-01", f"--ringback-known-gaps={gaps}")
    assert done.returncode == 1
    assert "gap closed" in done.stdout


def test_mutants_are_tests_too(tmp_path: Path) -> None:
    done = judge(tmp_path, "--ringback-target=mutant:reject-busy-by-default", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "suite.py::reject-busy-by-default PASSED" in done.stdout


def test_plugin_brings_nothing_heavy_and_starts_in_no_time() -> None:
    code = (
        "import sys, time\n"
        "began = time.process_time()\n"
        "import pytest, ringback\n"
        "ready = time.process_time()\n"
        "import ringback.conformance.pytest_plugin\n"
        "share = (time.process_time() - ready) / (ready - began)\n"
        "heavy = {'aiohttp', 'aiortc', 'av', 'numpy', 'rich', 'click', 'jsonschema', 'websockets'}\n"
        "print(share, *(heavy & {name for name in sys.modules if '.' not in name}))\n"
    )
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        ).stdout.split()
        for _ in range(3)
    ]
    assert [brought for _, *brought in runs] == [[], [], []]
    assert min(float(share) for share, *_ in runs) <= START_SHARE
