from collections.abc import Callable
from typing import Any

import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, SAMPLE_RATE, Samples
from ringback.emulator.realtime.idle import IdleTimer
from ringback.emulator.realtime.session_config import SEMANTIC_VAD, SERVER_VAD

Make = Callable[..., Any]

PATIENT = {**SERVER_VAD, "idle_timeout_ms": 5000}
TIMED_OUT = "input_audio_buffer.timeout_triggered"
SILENT_TURN = [
    TIMED_OUT,
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]


def config(**detection: Any) -> dict[str, Any]:
    return {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000, **detection}}}}


@pytest.mark.parametrize("detection", [None, SERVER_VAD, SEMANTIC_VAD])
def test_timer_never_ends_without_the_setting(detection: Any) -> None:
    timer = IdleTimer(detection)
    timer.answered(1.0)
    assert not timer.advance(1000.0)
    assert timer.next_deadline() is None


def test_timer_counts_from_the_end_of_playback() -> None:
    timer = IdleTimer(PATIENT)
    assert not timer.advance(9.0)
    assert timer.next_deadline() is None
    timer.answered(2.0)
    assert not timer.advance(10.0)
    assert (timer.next_deadline(), timer.is_listening) == (12.0, False)
    assert not timer.advance(12.0)
    assert (timer.next_deadline(), timer.is_listening) == (17.0, True)
    assert not timer.advance(16.9)
    assert timer.advance(17.0)
    assert timer.next_deadline() is None
    assert not timer.advance(100.0)


def test_timer_begins_anew_with_other_settings() -> None:
    timer = IdleTimer(PATIENT)
    timer.answered(0.0)
    timer.advance(10.0)
    timer.configure({**PATIENT, "idle_timeout_ms": 30000})
    assert not timer.advance(14.0)
    assert timer.next_deadline() == 44.0
    timer.stop()
    timer.configure(PATIENT)
    assert not timer.advance(99.0)


def test_session_answers_silence(bench: Make, quiet: Samples) -> None:
    b = bench(config=config())
    b.hear(quiet, 50)
    b.spoken("Hi")
    b.session.pass_time(10.0)
    assert b.session.next_deadline() is None  # its two frames wait to be played
    b.play(2)
    assert b.session.output.read() is None
    b.session.pass_time(10.0)
    assert b.session.next_deadline() == 15.0
    b.hear(quiet, 250)
    b.types()
    b.session.pass_time(15.0)
    events = b.events()
    assert [event["type"] for event in events] == SILENT_TURN
    assert events[0] == {
        "type": TIMED_OUT,
        "event_id": events[0]["event_id"],
        "audio_start_ms": 1000,
        "audio_end_ms": 6000,
        "item_id": events[1]["item_id"],
    }
    item = b.session.conversation.last
    assert item.id == events[0]["item_id"]
    assert len(item.audio) == 250 * FRAME_SAMPLES
    begun = b.session.next_begun()
    assert (begun.cause, b.session.next_deadline()) == ("speech", None)
    b.session.finish(begun.response, "completed")
    b.session.pass_time(20.0)
    assert b.session.next_deadline() == 25.0


def test_session_reckons_playback_where_the_client_plays(bench: Make) -> None:
    b = bench(config=config(), has_output_buffer=False)
    b.spoken("x" * 50)
    b.session.pass_time(10.0)
    assert b.session.next_deadline() == 10.0 + 50 * FRAME_SAMPLES / SAMPLE_RATE
    b.session.pass_time(11.0)
    b.session.pass_time(16.0)
    (event,) = [event for event in b.events() if event["type"] == TIMED_OUT]
    assert (event["audio_start_ms"], event["audio_end_ms"]) == (0, 0)


@pytest.mark.parametrize(("create", "types"), [(True, SILENT_TURN), (False, SILENT_TURN[:-1])])
def test_session_answers_silence_only_where_it_answers_speech(bench: Make, create: bool, types: list[str]) -> None:
    b = bench(config=config(create_response=create), has_output_buffer=False)
    b.spoken("x")
    b.types()
    for at in (1.0, 2.0, 7.0):
        b.session.pass_time(at)
    assert b.types() == types


def test_caller_who_speaks_ends_the_wait(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench(config=config(create_response=False), has_output_buffer=False)
    b.spoken("")
    b.session.pass_time(1.0)
    b.hear(quiet, 100)
    b.hear(loud, 10)
    b.hear(quiet, 10)
    b.session.pass_time(100.0)
    assert TIMED_OUT not in b.types()
    # The padding, what proved the start, the words, the end: no more of the silence than in any other turn.
    assert len(b.session.conversation.last.audio) == 35 * FRAME_SAMPLES


def test_caller_who_speaks_is_not_waited_for_when_a_response_ends(bench: Make, loud: Samples) -> None:
    b = bench(config=config())
    b.hear(loud, 2)
    b.spoken("Hi")
    b.session.output.clear()
    b.session.pass_time(10.0)
    assert b.session.next_deadline() is None


def test_caller_who_interrupts_is_not_waited_for(bench: Make, loud: Samples) -> None:
    b = bench(config=config())
    b.say(b.begin(), "Hello")
    b.hear(loud, 2)
    assert b.session.active is None
    b.session.pass_time(10.0)
    assert b.session.next_deadline() is None


def test_client_makes_the_wait_begin_anew(bench: Make) -> None:
    b = bench(config=config(), has_output_buffer=False)
    b.spoken("")
    b.session.pass_time(1.0)
    b.send("session.update", session={"type": "realtime", **config(idle_timeout_ms=6000)})
    b.session.pass_time(4.0)
    assert b.session.next_deadline() == 10.0
    b.begin()
    b.session.pass_time(11.0)
    assert b.session.next_deadline() is None
    assert TIMED_OUT not in b.types()


def test_commit_forgets_where_the_silence_began(bench: Make, quiet: Samples) -> None:
    b = bench(config=config(), has_output_buffer=False)
    b.spoken("")
    b.session.pass_time(1.0)
    b.hear(quiet, 100)
    assert b.session.input.kept_from_ms == 0
    assert b.session.input.buffered_ms == 2000
    b.send("input_audio_buffer.commit")
    b.session.pass_time(6.0)
    (event,) = [event for event in b.events() if event["type"] == TIMED_OUT]
    assert (event["audio_start_ms"], event["audio_end_ms"]) == (2000, 2000)


def test_cancelled_response_counts_as_played(bench: Make) -> None:
    b = bench(config=config(), has_output_buffer=False)
    b.say(b.begin(), "x" * 50)
    b.send("response.cancel")
    b.session.pass_time(1.0)
    b.session.pass_time(1.0)
    assert b.session.next_deadline() == 6.0
