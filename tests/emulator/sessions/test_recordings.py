"""The emulator gets what a client sent to the real service, and must answer in the recorded order and shapes.

What the recorded model said is put into the model's mouth. Deltas are counted as one; sound, which the recorder
shortened and which no sideband gets, and transcription deltas, which come whenever they come, are left out.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeVoice
from ringback.emulator.sessions.model import Call, Output, Say

Make = Callable[..., Any]
Event = dict[str, Any]

LEFT_OUT = (
    "session.created",
    "response.output_audio.delta",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "rate_limits.updated",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
)


def read(folder: Path, name: str) -> list[tuple[str, Event]]:
    lines = (folder / "recordings" / name).read_text(encoding="utf-8").splitlines()
    return [(line["direction"], line["data"]) for line in map(json.loads, lines)]


def compared(events: Iterable[Event]) -> list[Event]:
    kept: list[Event] = []
    for event in events:
        is_more = bool(kept) and event["type"].endswith(".delta") and kept[-1]["type"] == event["type"]
        if event["type"] not in LEFT_OUT and not is_more:
            kept.append(event)
    return kept


def shape(value: Any, key: str = "") -> Any:
    """Keys in their order, and types; of texts that name something, the text."""
    match value:
        case dict():
            return [(name, shape(each, name)) for name, each in value.items()]
        case list():
            return [shape(each) for each in value]
        case str():
            return value if key in ("type", "object", "status", "role", "voice", "model") else "text"
        case _:
            return type(value).__name__


def answers_of(recorded: list[tuple[str, Event]]) -> list[list[Output]]:
    answers = []
    for _, event in recorded:
        if event["type"] == "response.done":
            answers.append([output_of(item) for item in event["response"]["output"]])
    return answers


def output_of(item: Event) -> Output:
    if item["type"] == "function_call":
        return Call(name=item["name"], arguments=item["arguments"])
    part = item["content"][0]
    return Say(text=part["transcript"] if "transcript" in part else part["text"])


@pytest.mark.parametrize(
    ("name", "transport"),
    [
        ("openai-sideband-webrtc-text.jsonl", "webrtc"),
        ("openai-websocket-text-in-audio-out.jsonl", "websocket"),
        ("openai-websocket-tool-call.jsonl", "websocket"),
    ],
)
def test_client_that_writes_receives_the_recorded_events(desk: Make, shared: Path, name: str, transport: str) -> None:
    recorded = read(shared, name)
    d = desk(*answers_of(recorded), transport=transport)
    for direction, event in recorded:
        if direction == "sent":
            d.host.receive_text("a", json.dumps(event), d.at)
    assert_alike(d.events(), [event for direction, event in recorded if direction == "received"])


def assert_alike(made: list[Event], recorded: list[Event]) -> None:
    ours, theirs = compared(made), compared(recorded)
    assert [event["type"] for event in ours] == [event["type"] for event in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert shape(mine) == shape(other)


def test_caller_who_speaks_makes_the_recorded_events(desk: Make, shared: Path, silence: Samples) -> None:
    recorded = read(shared, "openai-websocket-audio-in-server-vad.jsonl")
    d = desk(*answers_of(recorded), transport="webrtc")
    update = next(event for direction, event in recorded if direction == "sent")
    d.host.receive_text("a", json.dumps(update), d.at)
    d.hear(np.concatenate((silence, TonecodeVoice().speak("Hello, my name is Marcelo."), silence)))
    made = d.events()
    theirs = [event for direction, event in recorded if direction == "received"]
    assert_alike(made, theirs)
    for kind in ("delta", "completed"):
        event_type = f"conversation.item.input_audio_transcription.{kind}"
        mine = next(event for event in made if event["type"] == event_type)
        other = next(event for event in theirs if event["type"] == event_type)
        assert shape(mine) == shape(other)


def test_sideband_of_a_call_hears_of_its_sound_in_the_observed_order(desk: Make) -> None:
    # FACTS 7.3, the sideband of a WebRTC call: no sound, and the buffer stops after the response is done.
    d = desk([Say(text="Hi there!")])
    d.send("response.create")
    d.play()
    assert [event["type"] for event in compared_with_buffer(d.events())] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "output_audio_buffer.started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
        "output_audio_buffer.stopped",
    ]


def compared_with_buffer(events: list[Event]) -> list[Event]:
    deltas = [index for index, event in enumerate(events) if event["type"].endswith(".delta")]
    return [event for index, event in enumerate(events) if index not in deltas[1:]]
