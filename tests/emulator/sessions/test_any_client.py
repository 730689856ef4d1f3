"""Whatever clients and a caller do, in any order: the host survives, and what it sends keeps its promises."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.audio.voice import Heard
from ringback.emulator.sessions.model import Call, Fail, Play, Say, Silence

Make = Callable[..., Any]

LOUD: Samples = np.tile(np.array([8000, -8000], dtype=np.int16), FRAME_SAMPLES // 2)
QUIET: Samples = np.zeros(FRAME_SAMPLES, dtype=np.int16)


class PlainVoice:
    def speak(self, text: str) -> Samples:
        return np.full(len(text) * FRAME_SAMPLES, 1000, dtype=np.int16)

    def heard_prefix(self, text: str, played_samples: int) -> str:
        return text[: played_samples // FRAME_SAMPLES]


class DeafEar:
    def feed(self, samples: Samples) -> list[Heard]:
        return []

    def flush(self) -> list[Heard]:
        return []


OUTPUTS = st.sampled_from(
    [
        Say(text="one two three four"),
        Say(text="slow and steady", delay=0.3, pace=0.1),
        Say(text=""),
        Play(samples=LOUD, transcript="jingle bells", pace=0.1),
        Call(name="f", arguments='{"a": 1}', pace=0.05),
        Silence(delay=0.2),
        Fail(message="no"),
    ]
)

ITEM_IDS = st.sampled_from(["a", "b", "c", "root", "", "last"])
CONTENT = st.sampled_from(
    [{"type": "input_text", "text": "Hi"}, {"type": "input_audio", "audio": "AAAA"}, {"type": "input_image"}]
)
ITEMS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("message"), "role": st.just("user"), "content": st.lists(CONTENT, max_size=2)},
        optional={"id": ITEM_IDS},
    ),
    st.just({"type": "function_call_output", "call_id": "c", "output": "12"}),
)
DETECTION = st.sampled_from(
    [None, {"type": "server_vad"}, {"type": "server_vad", "interrupt_response": False}, {"type": "semantic_vad"}]
)


def event(event_type: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": st.just(event_type)}, optional=fields)


EVENTS = st.one_of(
    event(
        "session.update",
        session=st.fixed_dictionaries(
            {"type": st.sampled_from(["realtime", "transcription"])},
            optional={
                "audio": st.fixed_dictionaries({"input": st.fixed_dictionaries({"turn_detection": DETECTION})}),
                "output_modalities": st.sampled_from([["text"], ["audio"]]),
            },
        ),
    ),
    event("input_audio_buffer.append", audio=st.sampled_from(["", "AAAA", "/w==" * 500])),
    event("input_audio_buffer.commit"),
    event("input_audio_buffer.clear"),
    event("output_audio_buffer.clear"),
    event("conversation.item.create", item=ITEMS, previous_item_id=ITEM_IDS),
    event("conversation.item.retrieve", item_id=ITEM_IDS),
    event("conversation.item.delete", item_id=ITEM_IDS),
    event(
        "conversation.item.truncate",
        item_id=ITEM_IDS,
        content_index=st.integers(0, 1),
        audio_end_ms=st.sampled_from([0, 30, 10**30]),
    ),
    event(
        "response.create",
        response=st.fixed_dictionaries(
            {},
            optional={
                "conversation": st.sampled_from(["none", "auto"]),
                "max_output_tokens": st.sampled_from([1, 3, "inf"]),
                "output_modalities": st.sampled_from([["text"], ["audio"]]),
            },
        ),
    ),
    event("response.cancel"),
)

STEPS = st.one_of(
    EVENTS.map(lambda each: ("client", each)),
    st.tuples(st.just("speak"), st.integers(1, 20)),
    st.tuples(st.just("pause"), st.integers(1, 20)),
    st.tuples(st.just("play"), st.integers(1, 20)),
    st.tuples(st.just("wait"), st.sampled_from([0.05, 0.2, 1.0])),
)


def act(d: Any, step: tuple[str, Any]) -> None:
    match step:
        case ("client", each):
            if each.get("item_id") == "last" and (last := d.host.session.conversation.last) is not None:
                each = {**each, "item_id": last.id}
            d.host.receive_text("a", json.dumps(each), d.at)
        case ("wait", seconds):
            d.wait(seconds)
        case ("play", frames):
            for _ in range(frames):
                d.host.read_audio(d.at)
        case (kind, frames):
            for _ in range(frames):
                d.host.receive_audio(LOUD if kind == "speak" else QUIET, d.at)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(OUTPUTS, max_size=3), max_size=4), st.lists(STEPS, max_size=25))
def test_host_keeps_its_promises_whatever_is_done_to_it(desk: Make, answers: Any, steps: Any) -> None:
    d = desk(*answers, voice=PlainVoice(), make_ear=DeafEar)
    for step in steps:
        act(d, step)
    d.wait(60.0)
    d.play()
    events = d.events()
    json.dumps(events, ensure_ascii=False, allow_nan=False).encode()
    counts = Counter(each["type"] for each in events)
    assert counts["response.created"] == counts["response.done"] == counts["rate_limits.updated"]
    assert counts["response.output_item.added"] == counts["response.output_item.done"]
    assert counts["conversation.item.added"] == counts["conversation.item.done"]
    ended = counts["output_audio_buffer.stopped"] + counts["output_audio_buffer.cleared"]
    assert counts["output_audio_buffer.started"] == ended
    assert not d.host.speaking
    assert counts["input_audio_buffer.speech_stopped"] <= counts["input_audio_buffer.speech_started"]
    active = 0
    for each in events:
        response = each.get("response", {})
        if response.get("conversation_id") is not None:
            active += {"response.created": 1, "response.done": -1}[each["type"]]
        assert active in (0, 1)
