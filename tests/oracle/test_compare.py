"""The oracle finds what differs, and nothing else."""

from typing import Any

import pytest
from oracle.compare import differences

Event = dict[str, Any]
ITEM = {"id": "item_123456789012345678901", "type": "message", "status": "completed", "content": [{"type": "text"}]}
RECORDED: list[Event] = [
    {"type": "session.created", "event_id": "event_1", "session": {"id": "sess_1", "voice": "alloy", "expires_at": 5}},
    {"type": "input_audio_buffer.speech_started", "event_id": "event_2", "audio_start_ms": 1460},
    {"type": "conversation.item.added", "event_id": "event_3", "previous_item_id": None, "item": ITEM},
    {"type": "response.output_text.delta", "event_id": "event_4", "delta": "Hel"},
    {"type": "conversation.item.input_audio_transcription.completed", "event_id": "event_5", "item_id": "item_1"},
    {"type": "response.output_text.delta", "event_id": "event_6", "delta": "lo"},
    {"type": "response.done", "event_id": "event_7", "response": {"id": "resp_1", "status": "completed"}},
]


def changed(index: int, **fields: Any) -> list[Event]:
    return [{**event, **fields} if number == index else event for number, event in enumerate(RECORDED)]


def test_sequence_is_like_itself() -> None:
    assert differences(RECORDED, RECORDED) == []


@pytest.mark.parametrize(
    "ours",
    [
        RECORDED[:5] + RECORDED[6:],
        [*RECORDED[:3], RECORDED[4], RECORDED[3], *RECORDED[5:]],
        changed(1, audio_start_ms=1500),
        changed(3, delta="Other words"),
    ],
    ids=["fewer deltas", "transcription earlier", "a little later", "other words"],
)
def test_what_is_now_so_now_so_is_no_difference(ours: list[Event]) -> None:
    assert differences(RECORDED, ours) == []


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        (RECORDED[:2] + RECORDED[3:], ["order: recorded conversation.item.added, ours nothing"]),
        (RECORDED[:6], ["order: recorded response.done, ours nothing"]),
        ([*RECORDED, {"type": "error"}], ["order: recorded nothing, ours error"]),
        (RECORDED[:4] + RECORDED[5:], [
            "order: recorded conversation.item.input_audio_transcription.completed, ours nothing"
        ]),
        (changed(0, session={"id": "sess_1", "voice": "marin", "expires_at": 5}), [
            "session.created: recorded .session.voice 'alloy', ours .session.voice 'marin'"
        ]),
        (changed(0, session={"id": "sess_12", "voice": "alloy", "expires_at": 5}), [
            "session.created: recorded .session.id sess_<1>, ours .session.id sess_<2>"
        ]),
        (changed(0, session={"id": "sess_1", "voice": "alloy", "expires_at": None}), [
            "session.created: recorded .session.expires_at int, ours .session.expires_at NoneType"
        ]),
        (changed(0, session={"voice": "alloy", "id": "sess_1", "expires_at": 5}), [
            "session.created: recorded .session keys ['id', 'voice', 'expires_at'], "
            "ours .session keys ['voice', 'id', 'expires_at']"
        ]),
        (changed(1, audio_start_ms=2000), [
            "input_audio_buffer.speech_started: recorded .audio_start_ms 1460, ours .audio_start_ms 2000"
        ]),
        (changed(2, item={**ITEM, "content": []}), [
            "conversation.item.added: recorded .item.content 1 elements, ours .item.content 0 elements"
        ]),
        (changed(6, response={"id": "resp_1", "status": "completed", "usage": None}), [
            "response.done: recorded .response.usage absent, ours .response.usage present"
        ]),
    ],
)  # fmt: skip
def test_difference_is_found(ours: list[Event], found: list[str]) -> None:
    assert [str(each) for each in differences(RECORDED, ours)] == found


def test_known_difference_says_why() -> None:
    limits = {"type": "rate_limits.updated", "event_id": "event_8", "rate_limits": []}
    (found,) = differences(RECORDED, [*RECORDED, limits])
    assert found.known is not None
    assert str(found).endswith("the emulator after each]")
