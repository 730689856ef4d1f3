import dataclasses

import pytest
from ringback.emulator.realtime.effects import (
    CloseChannel,
    CloseChannels,
    HangUpCall,
    HostRecord,
    SendEvent,
    SessionExpired,
)


@pytest.mark.parametrize(
    "effect",
    [
        CloseChannel(channel_id="a", code=1001, reason=""),
        CloseChannels(code=1011, reason=""),
        HangUpCall(reason="enough"),
        HostRecord(kind="media.said", data={"text": "x"}),
        SessionExpired(),
    ],
)
def test_effect_is_plain_frozen_data(effect: object) -> None:
    assert dataclasses.is_dataclass(effect)
    assert effect == dataclasses.replace(effect)  # type: ignore[type-var]
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError, AttributeError)):
        effect.channel_id = "b"  # type: ignore[attr-defined]


def test_event_to_send_is_plain_frozen_data() -> None:
    effect = SendEvent(channel_id=None, event={"type": "error"})
    assert effect == SendEvent(None, {"type": "error"})
    with pytest.raises(AttributeError):
        effect.channel_id = "b"  # type: ignore[misc]
