"""`rtp.sender`: one clock, a packet each tick, whatever there is to say."""

import random
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.g711 import CODECS
from ringback.emulator.audio.samples import SILENCE
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.sender import RtpSender

PCMU, PCMA = CODECS["PCMU"], CODECS["PCMA"]
SPEECH = (np.arange(160) * 100).astype(np.int16)


def make(**arguments: Any) -> RtpSender:
    settings: dict[str, Any] = {"codec": PCMU, "payload_type": 0, "ptime_ms": 20}
    return RtpSender(**{**settings, **arguments}, ids=Ids(random.Random(3)))


def run(sender: RtpSender, *frames: Any) -> list[RtpPacket]:
    return [RtpPacket.parse(data) for frame in frames for data in sender.frame(frame)]


def test_sender_sends_a_packet_each_tick_with_running_numbers() -> None:
    sender = make()
    first, second, third = run(sender, SPEECH, SPEECH, SPEECH)
    assert first.payload == PCMU.encode(SPEECH)
    assert (first.payload_type, first.ssrc) == (0, sender.ssrc)
    assert [second.sequence, third.sequence] == [(first.sequence + step) & 0xFFFF for step in (1, 2)]
    assert [second.timestamp, third.timestamp] == [(first.timestamp + step) & 0xFFFFFFFF for step in (160, 320)]
    assert (sender.packets, sender.octets) == (3, 480)
    assert sender.timestamp == (third.timestamp + 160) & 0xFFFFFFFF


def test_sender_sends_silence_when_there_is_nothing_to_say() -> None:
    assert [packet.payload for packet in run(make(codec=PCMA), None, None)] == [PCMA.encode(SILENCE)] * 2


def test_sender_marks_the_first_packet_and_the_beginning_of_each_talkspurt() -> None:
    packets = run(make(), None, None, SPEECH, SPEECH, None, None, SPEECH)
    assert [packet.marker for packet in packets] == [True, False, True, False, False, False, True]


def test_sender_counts_across_the_wraps() -> None:
    sender = make()
    sender._sequence, sender.timestamp = 0xFFFE, 0xFFFFFFFF - 159
    packets = run(sender, SPEECH, SPEECH, SPEECH)
    assert [packet.sequence for packet in packets] == [0xFFFF, 0, 1]
    assert [packet.timestamp for packet in packets] == [0xFFFFFF60, 0, 160]


@pytest.mark.parametrize("ptime", [10, 30, 40, 50, 60])
def test_sender_cuts_packets_of_the_length_that_the_peer_wishes(ptime: int) -> None:
    sender = make(ptime_ms=ptime)
    sender.timestamp = start = 0xFFFFFF00
    frames = [(np.arange(160) + 160 * index).astype(np.int16) for index in range(30)]
    packets = run(sender, *frames)
    assert {len(packet.payload) for packet in packets} == {ptime * 8}
    assert len(packets) == 600 // ptime
    assert [packet.timestamp for packet in packets] == [
        (start + index * ptime * 8) & 0xFFFFFFFF for index in range(len(packets))
    ]
    assert b"".join(packet.payload for packet in packets) == PCMU.encode(np.concatenate(frames))


def test_sender_marks_the_packet_in_which_a_talkspurt_begins() -> None:
    packets = run(make(ptime_ms=40), None, None, None, SPEECH, SPEECH, SPEECH)
    assert [packet.marker for packet in packets] == [True, True, False]


def test_sender_keeps_its_clock_but_not_its_numbers_while_it_may_not_send() -> None:
    sender = make()
    (before,) = run(sender, SPEECH)
    for _ in range(10):
        sender.skip()
    (after,) = run(sender, SPEECH)
    assert after.sequence == (before.sequence + 1) & 0xFFFF
    assert after.timestamp == (before.timestamp + 11 * 160) & 0xFFFFFFFF
    assert after.marker


def test_sender_goes_on_with_another_format() -> None:
    sender = make(ptime_ms=60)
    run(sender, SPEECH)
    sender.change(codec=PCMA, payload_type=8, ptime_ms=20)
    (packet,) = run(sender, SPEECH)
    assert (packet.payload_type, packet.payload, packet.ssrc) == (8, PCMA.encode(SPEECH), sender.ssrc)
