"""`rtp.dtmf`: each key pressed is one digit, whatever the network takes away or repeats."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.rtp.dtmf import DIGITS, EVENT_TIMEOUT, DtmfReceiver
from ringback.emulator.rtp.packet import RtpPacket


def packet(*events: tuple[int | str, bool, int], timestamp: int = 1000) -> RtpPacket:
    """A packet of `(digit or event number, end, duration)` events."""
    payload = b"".join(
        struct.pack("!BBH", DIGITS.index(event) if isinstance(event, str) else event, 0x8A if end else 0x0A, duration)
        for event, end, duration in events
    )
    return RtpPacket(payload_type=101, sequence=1, timestamp=timestamp, ssrc=5, payload=payload)


def press(digit: str, timestamp: int = 1000, count: int = 5) -> list[RtpPacket]:
    """The packets of one key: growing, then the end three times."""
    growing = [packet((digit, False, 160 * step), timestamp=timestamp) for step in range(1, count)]
    return [*growing, *[packet((digit, True, 160 * count), timestamp=timestamp)] * 3]


def hear(receiver: DtmfReceiver, packets: list[RtpPacket]) -> list[str]:
    return [digit for index, item in enumerate(packets) for digit in receiver.feed(item, index * 0.02)]


@pytest.mark.parametrize("digit", DIGITS)
def test_receiver_reports_each_digit_at_its_first_end(digit: str) -> None:
    receiver = DtmfReceiver()
    assert [receiver.feed(item, 0.0) for item in press(digit)] == [[], [], [], [], [digit], [], []]
    assert receiver.expire(10.0) == []


def test_receiver_reports_the_same_key_twice_when_it_was_pressed_twice() -> None:
    assert hear(DtmfReceiver(), [*press("1", 1000), *press("1", 3000)]) == ["1", "1"]


def test_receiver_reports_an_event_of_which_only_an_end_came() -> None:
    assert hear(DtmfReceiver(), press("7")[-1:]) == ["7"]


def test_receiver_reports_an_event_without_ends_at_the_next_event() -> None:
    assert hear(DtmfReceiver(), [*press("1", 1000)[:3], *press("2", 3000)]) == ["1", "2"]


def test_receiver_reports_two_digits_when_the_next_event_is_an_end() -> None:
    receiver = DtmfReceiver()
    receiver.feed(press("1")[0], 0.0)
    assert receiver.feed(press("2", 3000)[-1], 0.1) == ["1", "2"]


def test_receiver_reports_an_event_without_ends_when_it_is_silent() -> None:
    receiver = DtmfReceiver()
    hear(receiver, press("5")[:3])
    assert receiver.expire(0.04 + EVENT_TIMEOUT - 0.001) == []
    assert receiver.expire(0.04 + EVENT_TIMEOUT) == ["5"]
    assert receiver.expire(9.0) == []
    assert receiver.feed(press("5")[-1], 9.0) == []


def test_receiver_reports_a_late_event_by_its_end_only() -> None:
    receiver = DtmfReceiver()
    hear(receiver, press("2", 3000)[:2])
    assert receiver.feed(press("1", 1000)[0], 0.1) == []
    assert receiver.feed(press("1", 1000)[-1], 0.1) == ["1"]
    assert receiver.feed(press("1", 1000)[-1], 0.1) == []
    assert receiver.feed(press("2", 3000)[-1], 0.1) == ["2"]


def test_receiver_takes_a_long_press_for_one_digit() -> None:
    segments = [packet(("9", False, 0xFFFF), timestamp=1000), packet(("9", False, 0xFFFF), timestamp=1000 + 0xFFFF)]
    end = packet(("9", True, 800), timestamp=1000 + 2 * 0xFFFF)
    assert hear(DtmfReceiver(), [*segments, end, end]) == ["9"]


def test_receiver_takes_another_digit_at_a_segments_place_for_another_key() -> None:
    first = packet(("9", False, 0xFFFF), timestamp=1000)
    assert hear(DtmfReceiver(), [first, packet(("8", True, 800), timestamp=1000 + 0xFFFF)]) == ["9", "8"]


def test_receiver_reads_several_events_of_one_packet() -> None:
    both = packet(("1", True, 800), ("2", True, 800))
    assert hear(DtmfReceiver(), [both, both]) == ["1", "2"]


@pytest.mark.parametrize("payload", [b"", b"\x01\x8a\x01", b"\x10\x8a\x01\x00", b"\xff\x8a\x01\x00"])
def test_receiver_ignores_what_is_no_digit(payload: bytes) -> None:
    receiver = DtmfReceiver()
    assert receiver.feed(packet()._replace(payload=payload), 0.0) == []
    assert receiver.expire(9.0) == []


def test_receiver_follows_timestamps_across_the_wrap() -> None:
    assert hear(DtmfReceiver(), [*press("1", 0xFFFFFFF0)[:2], *press("2", 2000)]) == ["1", "2"]


@given(st.text(DIGITS, min_size=1, max_size=8), st.data())
def test_receiver_reports_every_key_once_when_any_one_packet_of_it_arrives(keys: str, data: st.DataObject) -> None:
    receiver, heard = DtmfReceiver(), []
    for index, key in enumerate(keys):
        sent = press(key, 1000 + 2000 * index)
        arrived = data.draw(st.lists(st.sampled_from(sent), min_size=1))
        for step, item in enumerate(sorted(arrived, key=sent.index)):
            heard += receiver.feed(item, index + step * 0.02)
    assert "".join(heard + receiver.expire(100.0)) == keys


@given(st.lists(st.binary(max_size=12), max_size=20))
def test_receiver_survives_any_payload(payloads: list[bytes]) -> None:
    receiver = DtmfReceiver()
    for index, payload in enumerate(payloads):
        receiver.feed(packet(timestamp=index % 3)._replace(payload=payload), 0.0)
    receiver.expire(9.0)
