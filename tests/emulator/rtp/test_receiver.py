"""`rtp.receiver`: which source is heard, and what of it."""

import struct
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.g711 import CODECS
from ringback.emulator.audio.samples import Samples
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.receiver import RtpReceiver

PCMU, PCMA = CODECS["PCMU"], CODECS["PCMA"]


def level(value: int) -> bytes:
    return PCMU.encode(np.full(160, value, dtype=np.int16))


def audio(index: int, *, ssrc: int = 1, value: int = 1000, base: int = 0) -> RtpPacket:
    return RtpPacket(0, (base + index) & 0xFFFF, (base * 7 + 160 * index) & 0xFFFFFFFF, ssrc, level(value))


def event(index: int, *, ssrc: int = 1, end: bool = True, digit: int = 5) -> RtpPacket:
    return RtpPacket(101, index, 77, ssrc, struct.pack("!BBH", digit, 0x80 if end else 0, 800))


class Ear:
    """A receiver that is ticked after each packet."""

    def __init__(self) -> None:
        self.receiver = RtpReceiver(codec=PCMU, payload_type=0, dtmf_payload_type=101)
        self.digits: list[str] = []
        self.heard: list[Samples | None] = []
        self.now = 0.0

    def feed(self, *packets: RtpPacket | None) -> None:
        for packet in packets:
            if packet is not None:
                self.receiver.receive(packet, self.now)
            heard, digits = self.receiver.frame(self.now)
            self.heard.append(heard)
            self.digits += digits
            self.now += 0.02

    @property
    def levels(self) -> list[int]:
        """The rounded level of each frame's end, beyond any smoothing."""
        return [0 if frame is None else round(int(frame[-1]) / 1000) * 1000 for frame in self.heard]

    def __getitem__(self, name: str) -> Any:
        return self.receiver.statistics()[name]


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_receiver_knows_what_was_negotiated(ear: Ear) -> None:
    known = [number for number in range(128) if ear.receiver.knows(RtpPacket(number, 0, 0, 0, b""))]
    assert known == [0, 13, 101]
    ear.receiver.change(codec=PCMA, payload_type=8, dtmf_payload_type=None)
    assert [number for number in range(128) if ear.receiver.knows(RtpPacket(number, 0, 0, 0, b""))] == [0, 8, 13]
    ear.feed(audio(0)._replace(payload_type=8))
    assert [number for number in range(128) if ear.receiver.knows(RtpPacket(number, 0, 0, 0, b""))] == [8, 13]


def test_listener_hears_nothing_before_the_first_packet(ear: Ear) -> None:
    ear.feed(None, None)
    assert ear.heard == [None, None]
    assert (ear["received"], ear["sources"], ear["jitter"]) == (0, 0, 0.0)


def test_listener_hears_the_source(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    assert ear.levels == [0, 0] + [1000] * 8
    assert (ear["received"], ear["lost"], ear["sources"]) == (10, 0, 1)


def test_listener_hears_comfort_noise_as_silence(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    ear.feed(audio(10)._replace(payload_type=13, payload=b"\x40"), *[None] * 9)
    ear.feed(*[audio(index)._replace(sequence=index - 9) for index in range(20, 30)])
    assert ear.levels[13:19] == [0] * 6
    assert ear.levels[-1] == 1000
    assert (ear["received"], ear["lost"], ear["timeline_resets"]) == (21, 0, 0)


def test_listener_hears_another_codec_after_a_new_offer(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    ear.receiver.change(codec=PCMA, payload_type=8, dtmf_payload_type=None)
    louder = PCMA.encode(np.full(160, 5000, dtype=np.int16))
    ear.feed(*[audio(index)._replace(payload_type=8, payload=louder) for index in range(10, 20)])
    assert ear.levels[-1] == 5000


def test_listener_hears_what_was_on_its_way_when_the_codec_changed(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    ear.receiver.change(codec=PCMA, payload_type=8, dtmf_payload_type=None)
    ear.receiver.change(codec=PCMA, payload_type=96, dtmf_payload_type=None)
    ear.feed(*[audio(index) for index in range(10, 15)])
    louder = PCMA.encode(np.full(160, 5000, dtype=np.int16))
    ear.feed(*[audio(index)._replace(payload_type=96, payload=louder) for index in range(15, 20)])
    assert ear.levels[2:] == [1000] * 15 + [5000] * 3
    assert not ear.receiver.knows(audio(20))


def test_source_that_began_before_a_new_offer_begins_again(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    ear.receiver.receive(audio(10)._replace(ssrc=99), 0.2)
    for _ in range(2):  # two changes, so that nothing is known of its payload type
        ear.receiver.change(codec=PCMA, payload_type=8, dtmf_payload_type=None)
        ear.feed(audio(11)._replace(payload_type=8))
    ear.receiver.receive(audio(11)._replace(ssrc=99, payload_type=8), 0.24)
    assert ear["sources"] == 1


def test_who_answered_our_offer_speaks_by_our_numbers_or_by_its_own() -> None:
    receiver = RtpReceiver(codec=PCMU, payload_type=97, dtmf_payload_type=96, own_payload_types=(96, 101))
    known = [number for number in range(128) if receiver.knows(audio(0)._replace(payload_type=number))]
    assert known == [13, 96, 97, 101]  # and 96 is sound, as our offer said


def test_new_source_is_heard_from_its_second_packet_on(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    ear.feed(*[audio(index, ssrc=2, value=3000, base=50000) for index in range(10)])
    assert ear.levels[-1] == 3000
    assert (ear["sources"], ear["received"], ear["lost"]) == (2, 20, 0)
    assert ear["concealed_frames"] <= 3


def test_stray_source_is_not_heard(ear: Ear) -> None:
    for index in range(10):
        ear.feed(audio(index), audio(index, ssrc=2, value=3000, base=50000))
    ear.feed(audio(0, ssrc=3), audio(5, ssrc=3), audio(6, ssrc=4))
    assert ear["sources"] == 1
    assert 3000 not in ear.levels


def test_source_that_counts_anew_is_followed(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(10)])
    ear.feed(*[audio(index, value=3000, base=30000) for index in range(10)])
    assert ear.levels[-1] == 3000
    assert (ear["sources"], ear["received"], ear["timeline_resets"]) == (1, 19, 0)


def test_losses_duplicates_and_reordering_are_counted(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in (0, 1, 3, 2, 4, 4, 7, 8, 9)])
    assert (ear["received"], ear["lost"], ear["duplicates"], ear["reordered"]) == (8, 2, 1, 1)


def test_late_packet_is_counted(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in (0, 1, 2, 4, 5, 6, 7, 8, 3)])
    assert (ear["late"], ear["lost"], ear["concealed_frames"]) == (1, 0, 1)


def test_empty_packet_is_counted_and_makes_no_sound(ear: Ear) -> None:
    ear.feed(audio(0)._replace(payload=b""), None, None, None)
    assert ear.heard == [None] * 4
    assert ear["received"] == 1


def test_digit_is_heard_once_among_the_audio(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(5)], event(5, end=False), event(6), event(7), event(7), audio(8))
    assert ear.digits == ["5"]
    assert (ear["dtmf_digits"], ear["received"], ear["duplicates"]) == (1, 9, 1)


def test_digit_is_heard_before_any_audio(ear: Ear) -> None:
    ear.feed(event(5), event(6))
    assert ear.digits == ["5"]
    assert ear["sources"] == 0


def test_digit_of_a_source_of_its_own_is_heard_and_the_audio_goes_on(ear: Ear) -> None:
    ear.feed(*[audio(index) for index in range(5)], event(1, ssrc=9), event(2, ssrc=9), event(3, ssrc=9), audio(8))
    assert ear.digits == ["5"]
    assert ear["sources"] == 1


def test_digit_without_end_is_heard_after_a_while(ear: Ear) -> None:
    ear.feed(event(5, end=False), *[None] * 20)
    assert ear.digits == ["5"]
