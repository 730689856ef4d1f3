"""RFC 4733 digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.conformance.client.dtmf import DIGITS, DigitReceiver, TelephoneEvent, events_of
from ringback.conformance.client.errors import ProtocolViolation, UsageError


@given(st.integers(0, 255), st.booleans(), st.integers(0, 63), st.integers(0, 65535))
def test_event_survives_its_bytes(event: int, is_end: bool, volume: int, duration: int) -> None:
    original = TelephoneEvent(event=event, is_end=is_end, volume=volume, duration=duration)
    assert TelephoneEvent.parse(original.to_bytes()) == original


def test_digit_grows_each_20_ms_and_ends_three_times() -> None:
    events = events_of("#", 100)
    assert [each.duration for each in events] == [160, 320, 480, 640, 800, 800, 800]
    assert [each.is_end for each in events] == [False] * 4 + [True] * 3
    assert {each.event for each in events} == {11}
    assert len(events_of("1", 5)) == 3


@pytest.mark.parametrize("digit", ["x", "", "12"])
def test_keypad_refuses_what_it_does_not_have(digit: str) -> None:
    with pytest.raises(UsageError, match="not a digit"):
        events_of(digit, 100)


@given(st.text(alphabet=DIGITS, min_size=1, max_size=12), st.data())
def test_receiver_hears_each_digit_once_even_when_packets_are_lost(digits: str, data: st.DataObject) -> None:
    receiver = DigitReceiver()
    heard = ""
    for index, digit in enumerate(digits):
        events = events_of(digit, 100)
        kept = data.draw(st.sets(st.integers(0, len(events) - 1), min_size=1))
        for number in sorted(kept):
            heard += receiver.feed(events[number].to_bytes(), 8000 * index) or ""
    assert heard == digits


def test_receiver_ignores_events_that_are_no_keys_and_refuses_stumps() -> None:
    receiver = DigitReceiver()
    assert receiver.feed(bytes((16, 10, 0, 160)), 0) is None
    with pytest.raises(ProtocolViolation, match="3 bytes"):
        receiver.feed(b"abc", 0)
