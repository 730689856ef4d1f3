"""`rtp.stream` at a clock of 48 kHz, and the ticks that are left out while nobody speaks."""

import random
from dataclasses import dataclass

import numpy as np
from ringback.emulator.audio.samples import Samples
from ringback.emulator.audio.voice import TonecodeEar, TonecodeVoice
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.stream import RtpStream

PEER = ("192.0.2.1", 4000)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    codec: str = "opus"
    payload_type: int = 111
    dtmf_payload_type: int | None = None
    ptime_ms: int = 20
    remote_address: str = PEER[0]
    remote_port: int = PEER[1]
    rtcp_port: int = PEER[1]
    sends: bool = True
    receives: bool = True


def make(seed: int) -> RtpStream:
    return RtpStream(Parameters(), ids=Ids(random.Random(seed)), now=0.0)


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
    stream.hear(Parameters(codec="PCMU", payload_type=0))
    for index in range(8):
        data = RtpPacket(0, index, 160 * index, 5, b"\x80" * 160).to_bytes()
        stream.receive_datagram(data, PEER, index * 0.02)
        heard = stream.tick(None, index * 0.02).heard
    assert heard is not None
    assert np.abs(heard).max() > 10000
    assert packets(stream)[0].payload_type == 111
