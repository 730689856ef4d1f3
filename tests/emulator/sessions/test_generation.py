from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import Samples
from ringback.emulator.errors import EmulatorBug
from ringback.emulator.sessions.model import Call, Fail, Play, Say, Silence
from ringback.fixtures import tonecode

Make = Callable[..., Any]

TEXT = {"output_modalities": ["text"]}


def test_model_says_text_after_three_pieces_of_which_its_sound_begins(desk: Make) -> None:
    d = desk([Say(text="one two three four")])
    d.send("response.create")
    assert d.types()[3:10] == [
        "response.content_part.added",
        *["response.output_audio_transcript.delta"] * 3,
        "output_audio_buffer.started",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
    ]
    assert [heard.text for heard in tonecode.decode(d.play())] == ["one two three four"]


def test_model_says_one_word(desk: Make) -> None:
    d = desk([Say(text="one")])
    d.send("response.create")
    assert d.types()[4:6] == ["response.output_audio_transcript.delta", "output_audio_buffer.started"]


def test_model_says_nothing_in_a_message(desk: Make) -> None:
    d = desk([Say(text="")])
    d.send("response.create")
    assert "output_audio_buffer.started" not in d.types()


def test_model_writes_instead_of_speaking(desk: Make, silence: Samples) -> None:
    d = desk([Say(text="one"), Play(samples=silence, transcript="two")], config=TEXT)
    d.send("response.create")
    output = d.events()[-2]["response"]["output"]
    assert [item["content"] for item in output] == [
        [{"type": "output_text", "text": "one"}],
        [{"type": "output_text", "text": "two"}],
    ]
    assert not d.host.speaking


@pytest.mark.parametrize("transcript", ["", "one two three four"])
def test_model_plays_ready_sound(desk: Make, transcript: str) -> None:
    sound = np.arange(480, dtype=np.int16)
    d = desk([Play(samples=sound, transcript=transcript)])
    d.send("response.create")
    assert (d.play() == sound).all()
    done = next(event for event in d.events() if event["type"] == "response.done")
    assert done["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": transcript}]


def test_model_speaks_and_calls_a_function(desk: Make) -> None:
    d = desk([Say(text="Wait."), Call(name="get_weather", arguments='{"city": "London"}')])
    d.send("response.create")
    events = d.events()
    done = next(event for event in events if event["type"] == "response.done")
    assert [item["type"] for item in done["response"]["output"]] == ["message", "function_call"]
    assert done["response"]["output"][1]["arguments"] == '{"city": "London"}'
    assert [event["output_index"] for event in events if event["type"] == "response.output_item.done"] == [0, 1]


def test_model_is_silent(desk: Make) -> None:
    d = desk([Silence()])
    d.send("response.create")
    assert d.types() == ["response.created", "response.done", "rate_limits.updated"]


def test_model_fails_and_says_no_more(desk: Make) -> None:
    d = desk([Say(text="Well"), Fail(message="Out of order", code="server_error"), Say(text="x")])
    d.send("response.create")
    done = next(event for event in d.events() if event["type"] == "response.done")["response"]
    assert done["status"] == "failed"
    assert done["status_details"] == {
        "type": "failed",
        "error": {"type": "server_error", "code": "server_error", "message": "Out of order"},
    }
    assert len(done["output"]) == 1


def test_model_that_answers_nonsense_is_a_bug(desk: Make) -> None:
    d = desk(["Hello"])
    with pytest.raises(EmulatorBug, match="'Hello'"):
        d.send("response.create")


def test_model_takes_its_time(desk: Make) -> None:
    d = desk([Say(text="one two", delay=1.0, pace=0.5), Call(name="f", arguments="{}", delay=1.0, pace=0.5)])
    d.send("response.create")
    assert d.types() == ["response.created"]
    assert d.host.next_deadline() == 1001.0
    d.wait(0.9)
    assert d.types() == []
    d.wait(0.2)
    assert d.types()[-1] == "response.output_audio_transcript.delta"
    d.wait(0.5)
    assert d.types()[-1] == "response.output_item.done"
    d.wait(1.0)
    assert d.types()[-1] == "response.function_call_arguments.delta"
    d.wait(0.5)
    assert d.types()[-2:] == ["response.done", "rate_limits.updated"]
    assert d.host.next_deadline() == 4600.0


def test_model_says_no_more_once_cancelled(desk: Make) -> None:
    d = desk([Say(text="one two three", pace=1.0)])
    d.send("response.create")
    d.wait(1.0)
    d.send("response.cancel")
    d.events()
    d.wait(10.0)
    assert d.types() == []
    assert d.host.next_deadline() == 4600.0


@pytest.mark.parametrize(
    ("outputs", "kept"),
    [
        ([Say(text="one two three"), Say(text="x")], ["one two"]),
        ([Say(text="one two"), Say(text="x")], ["one two"]),
        ([Say(text="one"), Say(text="two three")], ["one", "two"]),
        ([Play(samples=np.zeros(4, dtype=np.int16), transcript="one two three")], ["one two"]),
    ],
)
def test_response_is_incomplete_at_its_limit_of_tokens(desk: Make, outputs: Any, kept: list[str]) -> None:
    d = desk(outputs)
    d.send("response.create", response={"max_output_tokens": 2})
    done = next(event for event in d.events() if event["type"] == "response.done")["response"]
    assert done["status"] == "incomplete"
    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert [item["content"][0]["transcript"] for item in done["output"]] == kept


def test_only_what_was_said_of_a_text_that_is_too_long_is_spoken(desk: Make) -> None:
    d = desk([Say(text="one two three")])
    d.send("response.create", response={"max_output_tokens": 2})
    assert [heard.text for heard in tonecode.decode(d.play())] == ["one two"]


def test_function_call_is_incomplete_at_the_limit_of_tokens(desk: Make) -> None:
    d = desk([Call(name="f", arguments='{"a": 1}')])
    d.send("response.create", response={"max_output_tokens": 2})
    done = next(event for event in d.events() if event["type"] == "response.done")["response"]
    assert done["output"][0]["status"] == "incomplete"


def test_journal_is_told_what_the_model_says(desk: Make) -> None:
    d = desk([Say(text="one")])
    d.send("response.create")
    events = d.events()
    said = next(record for record in d.records if record.kind == "media.said")
    item_id = events[1]["item"]["id"]
    assert said.data == {"text": "one", "response_id": events[0]["response"]["id"], "item_id": item_id}


def test_client_of_a_websocket_gets_the_sound_between_the_pieces_of_text(desk: Make) -> None:
    d = desk([Say(text="one two three four")], transport="websocket")
    d.send("response.create")
    types = d.types()
    sound = [index for index, each in enumerate(types) if each == "response.output_audio.delta"]
    text = [index for index, each in enumerate(types) if each == "response.output_audio_transcript.delta"]
    assert text[2] < sound[0] < text[3] < sound[-1] < types.index("response.output_audio.done")


@pytest.mark.parametrize("transcript", ["", "one two three four"])
def test_long_sound_goes_out_in_bursts(desk: Make, transcript: str) -> None:
    d = desk([Play(samples=np.zeros(12 * 8000, dtype=np.int16), transcript=transcript)], transport="websocket")
    d.send("response.create")
    counts = []
    while (deadline := d.host.next_deadline()) is not None and deadline < d.at + 1:
        counts.append(d.types().count("response.output_audio.delta"))
        d.wait(deadline - d.at)
    counts.append(d.types().count("response.output_audio.delta"))
    assert sum(counts) == 60
    assert max(counts) <= 45
    assert len(counts) > 1
