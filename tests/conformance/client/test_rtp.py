"""RTP without sockets: pacing, sending, ordering."""

import numpy as np
import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st
from ringback.conformance.client import g711
from ringback.conformance.client.rtp import FRAME, Pacer, RtpReceiver, RtpSender

HERE = ("127.0.0.1", 4000)


def sender(sequence: int = 65534, timestamp: int = 2**32 - 320) -> RtpSender:
    return RtpSender(
        codec="PCMU", payload_type=0, dtmf_payload_type=101, ssrc=5, sequence=sequence, timestamp=timestamp
    )


def receiver() -> RtpReceiver:
    return RtpReceiver(payload_types={0: "PCMU"}, dtmf_payload_types=frozenset({101}))


def nothing() -> None:
    pass


def heard(target: RtpReceiver, packets: list[bytes]) -> tuple[list[int], str]:
    samples: list[int] = []
    digits = ""
    for packet in packets:
        sounds, keys = target.feed(packet, HERE, 0.0)
        samples += [int(value) for sound in sounds for value in sound]
        digits += "".join(keys)
    sounds, keys = target.flush()
    samples += [int(value) for sound in sounds for value in sound]
    return samples, digits + "".join(keys)


def sound(frames: int) -> tuple[np.ndarray, list[int]]:
    """Samples that G.711 keeps exactly, and the same as a list."""
    samples = g711.decode("PCMU", bytes(1 + (index * 7) % 120 for index in range(frames * FRAME)))
    return samples, samples.tolist()


def test_pacer_keeps_its_deadlines_when_wake_ups_are_late() -> None:
    pacer = Pacer(100.0)
    sent = 0
    for wake_up in (100.0, 100.025, 100.025, 100.041, 100.1, 100.101, 101.0 - 0.8):
        sent += pacer.due(wake_up)
    assert sent == 11
    assert pacer.next_deadline() == pytest.approx(100.22)
    assert pacer.slips == 0


def test_pacer_gives_up_what_a_long_stall_missed() -> None:
    pacer = Pacer(0.0, most_at_once=5)
    assert pacer.due(0.0) == 1
    assert pacer.due(1.0) == 5
    assert (pacer.slips, pacer.stalls) == (45, 1)
    assert pacer.next_deadline() == pytest.approx(1.02)
    assert pacer.due(1.0) == 0


@given(st.lists(st.floats(0.0, 0.09), min_size=1, max_size=200))
def test_pacer_sends_one_frame_for_each_20_ms_whatever_the_delays(delays: list[float]) -> None:
    pacer = Pacer(0.0)
    now, sent = 0.0, 0
    for delay in delays:
        now += delay
        sent += pacer.due(now)
    assert pacer.slips == 0
    assert sent == int(now / 0.020 + 1e-6) + 1


def test_sender_sends_silence_then_sound_then_silence_without_a_gap() -> None:
    out = sender()
    samples, expected = sound(2)
    ends: list[int] = []
    first = out.next_packets()
    out.play(samples[:200], nothing)
    out.play(samples[200:], lambda: ends.append(out.packets_sent))
    packets = first + [out.next_packets()[0] for _ in range(4)]
    parsed = [RtpPacket.parse(each) for each in packets]
    assert [each.sequence_number for each in parsed] == [65534, 65535, 0, 1, 2]
    assert [each.timestamp for each in parsed] == [2**32 - 320, 2**32 - 160, 0, 160, 320]
    assert [each.marker for each in parsed] == [1, 0, 0, 0, 0]
    assert {each.ssrc for each in parsed} == {5}
    assert heard(receiver(), packets)[0] == [0] * 160 + expected + [0] * 320
    assert ends == [2], "done is called while the last frame is made"
    out.play(samples[:0], lambda: ends.append(0))
    assert ends[-1] == 0


def test_sender_presses_a_key_in_place_of_sound() -> None:
    out = sender(sequence=1, timestamp=0)
    done: list[bool] = []
    out.next_packets()
    out.press("5", 60, lambda: done.append(True))
    ticks = [out.next_packets() for _ in range(4)]
    assert [len(each) for each in ticks] == [1, 1, 3, 1]
    parsed = [RtpPacket.parse(each) for tick in ticks for each in tick]
    assert [each.payload_type for each in parsed] == [101] * 5 + [0]
    assert [each.timestamp for each in parsed] == [160] * 5 + [640]
    assert [each.marker for each in parsed] == [1, 0, 0, 0, 0, 0]
    assert done == [True]
    assert heard(receiver(), [each for tick in ticks for each in tick])[1] == "5"


def test_sender_counts_by_the_clock_of_its_codec_and_is_another_stream_when_that_changes() -> None:
    out = sender(timestamp=0)
    out.change("opus", 107, 102)
    ssrc = out.ssrc
    out.press("5", 60, nothing)
    parsed = [RtpPacket.parse(packet) for _ in range(8) for packet in out.next_packets()]
    keys = [each for each in parsed if each.payload_type == 102]
    assert [each.timestamp for each in keys] == [0] * 5
    assert [int.from_bytes(each.payload[2:4], "big") for each in keys] == [960, 1920, 2880, 2880, 2880]
    sounds = [each.timestamp for each in parsed if each.payload_type == 107]
    assert sounds[:3] == [2880, 3840, 4800]
    assert {each.ssrc for each in parsed} == {ssrc} != {5}
    out.change("G722", 9, 101)
    assert out.ssrc not in (5, ssrc)


def test_receiver_hears_a_loss_in_opus_as_silence_of_its_length() -> None:
    out = sender(timestamp=0)
    out.change("opus", 107, None)
    packets = [packet for _ in range(20) for packet in out.next_packets()]
    target = RtpReceiver(payload_types={107: "opus"}, dtmf_payload_types=frozenset())
    whole, _ = heard(RtpReceiver(payload_types={107: "opus"}, dtmf_payload_types=frozenset()), packets)
    rest, _ = heard(target, packets[:5] + packets[7:])
    assert len(whole) == len(rest)
    assert target.counts.lost == 2


def test_receiver_tells_of_opus_that_can_not_be_read() -> None:
    target = RtpReceiver(payload_types={107: "opus"}, dtmf_payload_types=frozenset())
    packet = RtpPacket(payload_type=107, sequence_number=1, timestamp=0, ssrc=1, payload=b"\xff\xff\xff")
    assert heard(target, [packet.serialize()]) == ([], "")
    assert len(target.violations) == 1


def test_sender_clears_what_it_has_not_played() -> None:
    out = sender()
    done: list[str] = []
    out.play(sound(5)[0], lambda: done.append("sound"))
    out.press("1", 100, lambda: done.append("key"))
    out.clear()
    assert done == ["sound", "key"]


@settings(max_examples=60)
@given(st.permutations(list(range(4))), st.integers(0, 65535), st.integers(0, 2**32 - 1))
def test_receiver_puts_packets_in_order(order: list[int], sequence: int, timestamp: int) -> None:
    out = sender(sequence, timestamp)
    samples, expected = sound(12)
    out.play(samples, nothing)
    packets = [out.next_packets()[0] for _ in range(12)]
    shuffled = [packets[0], *(packets[1 + index] for index in order), *packets[5:]]
    target = receiver()
    assert heard(target, shuffled)[0] == expected
    assert (target.counts.lost, target.counts.late, target.counts.packets) == (0, 0, 12)


def test_receiver_fills_a_loss_with_silence_of_its_length() -> None:
    out = sender()
    samples, expected = sound(20)
    out.play(samples, nothing)
    packets = [out.next_packets()[0] for _ in range(20)]
    lost = packets.pop(6)
    target = receiver()
    assert heard(target, packets)[0] == expected[:960] + [0] * 160 + expected[1120:]
    assert target.counts.lost == 1
    assert heard(target, [lost, packets[-1]]) == ([], "")
    assert target.counts.late == 2
    assert not target.is_waiting


def test_receiver_survives_a_new_source_and_a_jump_of_its_clock() -> None:
    target = receiver()
    samples, expected = sound(1)
    for number, (ssrc, sequence, timestamp) in enumerate([(1, 10, 0), (1, 11, 2**31), (2, 9, 5), (2, 10, 165)]):
        packet = RtpPacket(payload_type=0, sequence_number=sequence, timestamp=timestamp, ssrc=ssrc)
        packet.payload = g711.encode("PCMU", samples)
        assert heard(target, [packet.serialize()])[0] == expected, number
    assert target.counts.ssrcs == [1, 2]
    assert [each.sequence for each in target.packets] == [10, 11, 9, 10]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x00\x01" + bytes(20),
        b"\x80\xc8" + bytes(20),
        b"\x8f" + bytes(12),
        b"\x90\x00" + bytes(10) + b"\xbe\xde\x00\x09",
    ],
)
def test_receiver_counts_garbage_and_stun_and_rtcp(data: bytes) -> None:
    target = receiver()
    assert target.feed(data, HERE, 0.0) == ([], [])
    assert target.counts.garbage == 1


@given(st.binary(max_size=60))
def test_receiver_raises_nothing_for_any_bytes(data: bytes) -> None:
    target = receiver()
    target.feed(data, HERE, 0.0)
    target.feed(b"\x80" + data, HERE, 0.0)
    target.flush()


def test_receiver_notes_what_it_can_not_play() -> None:
    target = receiver()
    unknown = RtpPacket(payload_type=18, sequence_number=1, ssrc=1, payload=b"x")
    stump = RtpPacket(payload_type=101, sequence_number=2, ssrc=1, payload=b"x")
    assert heard(target, [unknown.serialize(), stump.serialize()]) == ([], "")
    assert target.counts.unknown_payload == 1
    assert target.violations == ["a telephone-event payload of 1 bytes, 4 at least: 78"]
