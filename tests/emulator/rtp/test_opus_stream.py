"""`rtp.stream` at a clock of 48 kHz, and the ticks that are left out while nobody speaks."""

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from agreed import PEER, Audio
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeEar, TonecodeVoice
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.stream import RtpStream


def make(seed: int, **parameters: Any) -> RtpStream:
    agreed = Audio(**{"codec": "opus", "payload_type": 111, "dtmf_payload_type": None, **parameters})
    return RtpStream(agreed, ids=Ids(random.Random(seed)), now=0.0)


def packets(stream: RtpStream) -> list[RtpPacket]:
    return [RtpPacket.parse(data) for data, _ in stream.data_to_send()]


def test_two_legs_hear_each_other_in_opus() -> None:
    near, far, ear = make(1), make(2), TonecodeEar()
    sound = np.concatenate((TonecodeVoice().speak("over opus"), np.zeros(1600, dtype=np.int16)))
    heard = []
    for index, start in enumerate(range(0, len(sound) - 159, 160)):
        now = index * 0.02
        near.tick(sound[start : start + 160], now)
        for data, target in near.data_to_send():
            far.receive_datagram(data, target, now)
        frame = far.tick(None, now).heard
        heard += [] if frame is None else ear.feed(frame)
    assert [each.text for each in (*heard, *ear.flush())] == ["over opus"]
    assert far.statistics()["lost"] == 0
    assert float(str(far.statistics()["jitter"])) < 0.001


def test_clock_of_opus_counts_48000_a_second_and_goes_on_while_nothing_is_sent() -> None:
    stream = make(1)
    stream.tick(None, 0.0)
    stream.tick(None, 0.02)
    stream.listen(0.04)
    stream.rest(10)
    stream.tick(np.full(160, 1000, dtype=np.int16), 0.26)
    first, second, third = packets(stream)
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960
    assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == 12 * 960
    assert third.sequence == (second.sequence + 1) & 0xFFFF
    assert third.marker
    assert {packet.ssrc for packet in (first, second, third)} == {stream.ssrc}


def test_sound_behind_a_rest_is_played_at_once() -> None:
    near, far = make(1), make(2)

    def exchange(count: int, sound: Samples | None) -> list[Samples | None]:
        heard = []
        for _ in range(count):
            near.tick(sound, 0.0)
            for data, target in near.data_to_send():
                far.receive_datagram(data, target, 0.0)
            heard.append(far.listen(0.0).heard)
        return heard

    loud = np.full(160, 8000, dtype=np.int16)
    exchange(20, None)
    near.rest(35)
    far.rest(35)
    frames = [frame for frame in exchange(6, loud) if frame is not None]
    assert any(np.abs(frame).max() > 2000 for frame in frames)


def test_peer_may_change_to_another_format_that_was_agreed_on() -> None:
    stream = make(1)
    stream.hear(Audio(codec="PCMU", payload_type=0))
    for index in range(8):
        data = RtpPacket(0, index, 160 * index, 5, b"\x80" * 160).to_bytes()
        stream.receive_datagram(data, PEER, index * 0.02)
        heard = stream.tick(None, index * 0.02).heard
    assert heard is not None
    assert np.abs(heard).max() > 10000
    assert packets(stream)[0].payload_type == 111


@pytest.mark.parametrize(
    ("codec", "ptime_ms", "per_packet", "count"),
    [("opus", ptime, 48 * ptime, 600 // ptime) for ptime in (10, 20, 40, 60)]
    + [(codec, ptime, 8 * ptime, 600 // ptime) for codec in ("G722", "PCMA") for ptime in (10, 20, 30, 40, 50, 60)],
)
def test_leg_has_packets_of_the_length_that_the_peer_likes(
    codec: str, ptime_ms: int, per_packet: int, count: int
) -> None:
    near, far = (make(seed, codec=codec, ptime_ms=ptime_ms) for seed in (1, 2))
    loud = (8000 * np.sin(2 * np.pi * 1000 * np.arange(4800) / 8000)).astype(np.int16)
    seen, loudest = [], []
    for index in range(30):
        now = index * 0.02
        near.tick(loud[160 * index : 160 * index + 160], now)
        for data, target in near.data_to_send():
            seen.append(RtpPacket.parse(data))
            far.receive_datagram(data, target, now)
        frame = far.tick(None, now).heard
        loudest.append(0 if frame is None else int(np.abs(frame).max()))
    assert len(seen) == count
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(seen)} == {per_packet}
    assert [packet.marker for packet in seen] == [True] + [False] * (count - 1)
    assert min(loudest[14:26]) > 5000
    assert far.statistics()["lost"] == 0


def test_what_opus_has_not_said_is_forgotten_with_a_hold() -> None:
    stream = make(1, ptime_ms=60)
    stream.tick(None, 0.0)
    stream.listen(0.02)
    for index in range(3):
        stream.tick(None, 0.04 + index * 0.02)
    assert len(packets(stream)) == 1
