"""Which test emits which server event: every one is emitted, by tests that are there."""

import subprocess
import sys
from pathlib import Path

import frames
import pytest
from ringback.fixtures.validation import validator

NAMES = validator("server_events").names
SAID = frames.read(frames.PAGE.read_text(encoding="utf-8"))


def test_page_names_every_server_event() -> None:
    assert set(SAID) == set(NAMES)
    assert len(NAMES) == 46


@pytest.mark.parametrize("name", NAMES)
def test_event_is_emitted_by_tests_that_are_there(name: str) -> None:
    tests = SAID[name] - {""}
    assert tests
    for test in tests:
        path, _, function = test.rpartition("::")
        source = (frames.PAGE.parents[1] / path.partition("::")[0]).read_text(encoding="utf-8")
        assert f"def {function}(" in source, f"{test} is gone: run the whole suite with --write-events"


def test_page_keeps_the_tests_that_it_names_while_they_are_true() -> None:
    emitted = {"error": {f"tests/integration/test_{each}.py::test_x" for each in "abcd"}}
    kept = {"error": {"tests/integration/test_d.py::test_x", "tests/integration/test_gone.py::test_x"}}
    found = frames.read(frames.page(emitted, kept))
    assert found["error"] == {f"tests/integration/test_{each}.py::test_x" for each in "abd"}


def test_page_is_untrue_where_a_test_that_ran_did_not_emit() -> None:
    said = {"error": {"test_a", "test_b", "test_c"}}
    wrong = frames.untrue(said, {"error": {"test_a"}}, ["test_a", "test_b"])
    assert wrong == ["test_b emits no error, as events.md says"]


def test_recorder_judges_each_event_once() -> None:
    recorder = frames.Recorder()
    recorder.begin("test_a", is_steady=True)
    event = {"type": "input_audio_buffer.cleared", "event_id": "event_1"}
    recorder.see(event)
    recorder.see(event)
    wrong = {"type": "input_audio_buffer.cleared"}
    recorder.see(wrong)
    assert recorder.end() == ["input_audio_buffer.cleared: $: 'event_id' is missing"]
    assert recorder.emitted == {"input_audio_buffer.cleared": {"test_a"}}


def test_emulator_in_another_process_judges_its_own_frames(tmp_path: Path) -> None:
    """The test fails that started it: `integration.command.ringback` reads the file."""
    code = """
import framed, sys
from pathlib import Path
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.ids import Ids
import random
framed.listen(framed.Written(Path(sys.argv[1])))
out = Outbox(Ids(random.Random(1)))
out.send("input_audio_buffer.cleared")
out.send_without_id("input_audio_buffer.cleared")
while out.take() is not None:
    pass
"""
    file = tmp_path / "frames"
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, cwd=Path(__file__).parent)
    assert file.read_text().splitlines() == ["input_audio_buffer.cleared: $: 'event_id' is missing"]
