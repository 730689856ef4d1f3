"""`rtp.stream`: two legs joined back to back, and everything that may come to a media port."""

import random
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from agreed import PEER, Audio
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.audio.g711 import CODECS
from ringback.emulator.audio.samples import Samples
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.dtmf import DIGITS
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    compound,
    middle_32,
    ntp_time,
    parse_compound,
)
from ringback.emulator.rtp.stream import STATISTICS, RtpStream
from ringback.emulator.sdp.description import parse
from ringback.emulator.sdp.offer_answer import negotiate

Address = tuple[str, int]
NAT: Address = ("198.51.100.7", 61000)
SPEECH = (8000 * np.sin(np.arange(160 * 400) * 0.3)).astype(np.int16)


def make(seed: int = 1, *, now: float = 0.0, **parameters: Any) -> RtpStream:
    return RtpStream(Audio(**parameters), ids=Ids(random.Random(seed)), now=now)


def audio(index: int, *, ssrc: int = 5, payload_type: int = 0) -> bytes:
    return RtpPacket(payload_type, index & 0xFFFF, 160 * index, ssrc, b"\x80" * 160).to_bytes()


def ssrc_of(stream: RtpStream) -> int:
    stream.tick(None, 0.0)
    ((data, _),) = stream.data_to_send()
    return RtpPacket.parse(data).ssrc


class Pair:
    """A caller and the service, joined without a network."""

    def __init__(self, **parameters: Any) -> None:
        self.now = 1000.0
        self.caller = make(1, now=self.now, remote_address="203.0.113.1", **parameters)
        self.service = make(2, now=self.now, remote_address="203.0.113.2", **parameters)
        self.heard: list[Samples] = []
        self.digits = ""
        self.reports: list[tuple[str, list[RtcpPacket]]] = []

    def run(self, ticks: int, say: Samples | None = None) -> None:
        for index in range(ticks):
            self.caller.tick(None if say is None else say[160 * index : 160 * index + 160], self.now)
            self.carry(self.caller, self.service, ("192.0.2.1", 4000), "caller")
            tick = self.service.tick(None, self.now)
            self.carry(self.service, self.caller, ("192.0.2.2", 4000), "service")
            if tick.heard is not None:
                self.heard.append(tick.heard)
            self.digits += "".join(tick.digits)
            self.now += 0.02

    def press(self, digit: str, timestamp: int) -> None:
        """The end of a key's event, from a source of its own."""
        end = struct.pack("!BBH", DIGITS.index(digit), 0x80, 800)
        self.service.receive_datagram(RtpPacket(101, 1, timestamp, 9, end).to_bytes(), PEER, self.now)

    def carry(self, sender: RtpStream, receiver: RtpStream, source: Address, name: str) -> None:
        for data, _ in sender.data_to_send():
            receiver.receive_datagram(data, source, self.now + 0.005)
        for data, _ in sender.rtcp_to_send(self.now):
            receiver.receive_rtcp(data, (source[0], source[1] + 1), self.now + 0.005)
            self.reports.append((name, parse_compound(data)))


# Two legs


@pytest.mark.parametrize(("codec", "payload_type"), [("PCMU", 0), ("PCMA", 8), ("PCMU", 97)])
@pytest.mark.parametrize("ptime", [10, 20, 30, 60])
def test_service_hears_exactly_what_the_caller_says(codec: str, payload_type: int, ptime: int) -> None:
    pair = Pair(codec=codec, payload_type=payload_type, ptime_ms=ptime)
    pair.run(200, SPEECH)
    heard = np.concatenate(pair.heard)
    law = CODECS[codec]
    assert len(heard) >= 160 * 195
    assert np.array_equal(heard, law.decode(law.encode(SPEECH[: len(heard)])))
    counts = pair.service.statistics()
    assert (counts["lost"], counts["late"], counts["concealed_frames"], counts["sent"]) == (
        0,
        0,
        0,
        12000 // ptime // 3,
    )


def test_service_hears_the_callers_digits_and_its_voice_around_them() -> None:
    pair = Pair()
    pair.run(20, SPEECH)
    for number, digit in enumerate("15#"):
        pair.press(digit, 1000 * number)
        pair.run(2, SPEECH)
    assert pair.digits == "15#"
    assert pair.service.statistics()["dtmf_digits"] == 3
    assert len(pair.heard) > 20


def test_service_sends_silence_while_it_has_nothing_to_say() -> None:
    stream = make()
    for _ in range(5):
        assert stream.tick(None, 0.0).heard is None
    sent = stream.data_to_send()
    assert [RtpPacket.parse(data).payload for data, _ in sent] == [b"\xff" * 160] * 5
    assert {target for _, target in sent} == {PEER}
    assert stream.data_to_send() == []


def test_stream_works_with_what_the_offer_led_to() -> None:
    offer = "v=0\nc=IN IP6 2001:db8::1\nm=audio 4000 RTP/AVP 8 96\na=rtpmap:96 telephone-event/8000\na=sendonly\n"
    stream = RtpStream(negotiate(parse(offer)), ids=Ids(random.Random(1)), now=0.0)
    stream.tick(None, 0.0)
    assert stream.data_to_send() == []
    assert stream.statistics()["remote"] == "[2001:db8::1]:4000"


# Where it goes, and whom it hears


def test_media_follows_the_peer_to_its_real_address() -> None:
    stream = make()
    stream.receive_datagram(audio(0), NAT, 0.0)
    stream.tick(None, 0.0)
    assert stream.data_to_send()[0][1] == NAT
    assert stream.statistics()["remote"] == "198.51.100.7:61000"


def test_stranger_is_not_heard_while_the_peer_speaks() -> None:
    stream = make()
    for index in range(200):
        stream.receive_datagram(audio(index), NAT, index * 0.02)
        stream.receive_datagram(audio(index, ssrc=9), ("203.0.113.66", 9), index * 0.02)
    counts = stream.statistics()
    assert (counts["foreign"], counts["received"], counts["remote"]) == (200, 200, "198.51.100.7:61000")


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", "malformed"),
        (b"\x16\xfe\xff", "malformed"),
        (b"\x80\x00\x00", "malformed"),
        (b"\x80\xc8\x00", "malformed"),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), "stun"),
        (audio(1, payload_type=9), "unknown_payload"),
        (audio(1, payload_type=12), "unknown_payload"),
    ],
)
def test_garbage_is_counted_and_moves_nothing(data: bytes, count: str) -> None:
    stream = make()
    stream.receive_datagram(data, NAT, 0.0)
    assert stream.statistics()[count] == 1
    assert stream.tick(None, 0.0).heard is None
    assert stream.data_to_send()[0][1] == PEER


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_stream_survives_any_datagram(datagrams: list[bytes]) -> None:
    stream = make()
    for index, data in enumerate(datagrams):
        for candidate in (data, b"\x80\x00" + data, b"\x80\x65" + data, b"\x81\xc8" + data):
            stream.receive_datagram(candidate, NAT, index * 0.02)
            stream.receive_rtcp(candidate, NAT, index * 0.02)
        stream.tick(None, index * 0.02)


# Hold and re-INVITE


def test_held_stream_sends_nothing_and_its_clock_goes_on() -> None:
    stream = make()
    stream.tick(None, 0.0)
    ((before, _),) = stream.data_to_send()
    stream.renegotiate(Audio(sends=False), 0.02)
    for _ in range(9):
        stream.tick(SPEECH[:160], 0.02)
    assert stream.data_to_send() == []
    stream.renegotiate(Audio(), 0.2)
    stream.tick(None, 0.2)
    ((after, _),) = stream.data_to_send()
    first, second = RtpPacket.parse(before), RtpPacket.parse(after)
    assert second.sequence == (first.sequence + 1) & 0xFFFF
    assert second.timestamp == (first.timestamp + 1600) & 0xFFFFFFFF


def test_stream_that_receives_nothing_ignores_what_comes() -> None:
    stream = make(receives=False)
    for index in range(10):
        stream.receive_datagram(audio(index), PEER, index * 0.02)
        assert stream.tick(None, index * 0.02).heard is None
    assert (stream.statistics()["unwanted"], stream.statistics()["received"]) == (10, 0)


def test_new_remote_address_is_used_at_once_and_latched_anew() -> None:
    stream = make()
    stream.receive_datagram(audio(0), NAT, 0.0)
    moved = Audio(remote_address="192.0.2.50", remote_port=5000, rtcp_port=5001)
    stream.renegotiate(moved, 0.1)
    stream.tick(None, 0.1)
    assert stream.data_to_send()[0][1] == ("192.0.2.50", 5000)
    stream.receive_datagram(audio(1), ("198.51.100.50", 7), 0.1)
    stream.tick(None, 0.1)
    assert stream.data_to_send()[0][1] == ("198.51.100.50", 7)


def test_same_remote_address_keeps_the_latch() -> None:
    stream = make()
    stream.receive_datagram(audio(0), NAT, 0.0)
    stream.renegotiate(replace(Audio(), codec="PCMA", payload_type=8), 0.1)
    stream.tick(None, 0.1)
    ((data, target),) = stream.data_to_send()
    assert target == NAT
    assert RtpPacket.parse(data).payload_type == 8
    stream.receive_datagram(audio(1, payload_type=8), NAT, 0.1)
    assert stream.statistics()["received"] == 2


# Reports


def test_reports_go_out_about_every_5_seconds() -> None:
    pair = Pair()
    pair.run(3000, np.zeros(160 * 3000, dtype=np.int16))
    sent = [packets for name, packets in pair.reports if name == "service"]
    assert 8 <= len(sent) <= 24  # a minute; each interval is 2.5 to 7.5 s
    for report, description in sent:  # type: ignore[misc]
        assert isinstance(report, SenderReport)
        assert isinstance(description, SourceDescription)
        assert description.cname
        assert [(block.fraction_lost, block.lost) for block in report.blocks] == [(0, 0)]
    assert pair.service.statistics()["reports"] == len(pair.reports) - len(sent)
    round_trip = pair.service.statistics()["round_trip"]
    assert isinstance(round_trip, float)
    assert round_trip == pytest.approx(0.01, abs=0.002)


def test_sender_report_tells_what_was_sent() -> None:
    stream = make()
    for tick in range(500):
        stream.tick(None, tick * 0.02)
    sent = stream.data_to_send()
    ((data, target),) = stream.rtcp_to_send(10.0)
    report = parse_compound(data)[0]
    assert isinstance(report, SenderReport)
    assert (report.packets, report.octets, report.ntp) == (500, 80000, ntp_time(10.0))
    assert report.timestamp == RtpPacket.parse(sent[-1][0]).timestamp
    assert report.blocks == ()
    assert target == (PEER[0], PEER[1] + 1)
    assert stream.rtcp_to_send(10.0) == []


def test_listener_who_sent_nothing_since_sends_a_receiver_report() -> None:
    stream = make(sends=False)
    stream.receive_datagram(audio(0), PEER, 0.0)
    stream.receive_datagram(audio(3), PEER, 0.06)
    stream.tick(None, 0.1)
    ((data, _),) = stream.rtcp_to_send(10.0)
    report = parse_compound(data)[0]
    assert isinstance(report, ReceiverReport)
    assert [(block.ssrc, block.lost, block.fraction_lost) for block in report.blocks] == [(5, 2, 128)]


def test_report_answers_the_peers_sender_report() -> None:
    stream = make()
    stream.receive_datagram(audio(0, ssrc=5), PEER, 0.0)
    for ssrc, ntp in ((5, ntp_time(77.0)), (6, ntp_time(88.0))):
        report = SenderReport(ssrc=ssrc, ntp=ntp, timestamp=0, packets=1, octets=160)
        stream.receive_rtcp(compound([report, Goodbye(ssrcs=(6,))]), PEER, 1.0)
    ((data, _),) = stream.rtcp_to_send(9.0)
    (block,) = parse_compound(data)[0].blocks  # type: ignore[union-attr]
    assert (block.last_sender_report, block.delay_since) == (middle_32(ntp_time(77.0)), 8 << 16)


def test_report_on_somebody_unheard_is_read_without_effect() -> None:
    stream = make()
    stream.receive_rtcp(SenderReport(ssrc=5, ntp=1, timestamp=0, packets=1, octets=1).to_bytes(), PEER, 1.0)
    assert stream.statistics()["reports"] == 1


def test_peers_report_tells_its_losses_and_the_round_trip() -> None:
    stream = make()
    ours = ssrc_of(stream)

    def told(now: float, **block: Any) -> dict[str, object]:
        blocks = (
            ReportBlock(ssrc=ours + 1, fraction_lost=0, lost=99, highest_sequence=0, jitter=0),
            ReportBlock(ssrc=ours, fraction_lost=9, lost=4, highest_sequence=0, jitter=0, **block),
        )
        stream.receive_rtcp(ReceiverReport(ssrc=5, blocks=blocks).to_bytes(), PEER, now)
        return stream.statistics()

    assert told(100.0)["round_trip"] is None
    assert told(100.0, last_sender_report=middle_32(ntp_time(101.0)))["round_trip"] is None
    asked = middle_32(ntp_time(98.0))
    counts = told(100.0, last_sender_report=asked, delay_since=int(1.5 * 65536))
    assert counts["round_trip"] == pytest.approx(0.5, abs=1e-4)
    assert counts["peer_lost"] == 4


def test_reports_go_to_where_the_peers_come_from() -> None:
    stream = make()
    stream.receive_rtcp(b"\x80", NAT, 0.0)
    assert stream.rtcp_to_send(10.0)[0][1] == (PEER[0], PEER[1] + 1)
    stream.receive_rtcp(ReceiverReport(ssrc=5).to_bytes(), NAT, 11.0)
    assert stream.rtcp_to_send(20.0)[0][1] == NAT
    assert stream.statistics()["malformed"] == 1


def test_reports_on_the_rtp_port_are_read() -> None:
    stream = make()
    stream.receive_datagram(ReceiverReport(ssrc=5).to_bytes(), NAT, 0.0)
    assert stream.statistics()["reports"] == 1
    assert stream.rtcp_to_send(10.0)[0][1] == (PEER[0], PEER[1] + 1)


def test_reports_go_nowhere_while_the_peer_gives_no_address() -> None:
    stream = make(remote_address="0.0.0.0", sends=False)
    assert stream.rtcp_to_send(10.0) == []
    stream.close(11.0)
    assert stream.rtcp_to_send(11.0) == []


# The end


def test_closing_sends_one_goodbye_and_then_nothing() -> None:
    stream = make()
    ours = ssrc_of(stream)
    stream.tick(None, 0.02)
    stream.close(0.03)
    stream.close(0.04)
    assert len(stream.data_to_send()) == 1
    ((data, target),) = stream.rtcp_to_send(0.03)
    report, description, goodbye = parse_compound(data)
    assert isinstance(report, SenderReport)
    assert isinstance(description, SourceDescription)
    assert goodbye == Goodbye(ssrcs=(ours,))
    assert target == (PEER[0], PEER[1] + 1)
    stream.tick(SPEECH[:160], 0.04)
    assert stream.data_to_send() == []
    assert stream.rtcp_to_send(100.0) == []


def test_statistics_have_a_count_for_everything() -> None:
    assert make().codec == "PCMU"
    assert list(make().statistics()) == [name for name in STATISTICS if name not in ("unauthentic", "replayed")]


def test_leg_knows_how_long_its_peer_has_been_silent() -> None:
    stream = make(now=1.0)
    assert stream.silence(4.0) == 3.0
    stream.receive_datagram(audio(1), PEER, 4.0)
    stream.receive_datagram(audio(2, payload_type=99), PEER, 8.0)
    assert stream.silence(9.0) == 5.0
    stream.renegotiate(Audio(receives=False), 9.0)
    assert stream.silence(100.0) == 0.0
    stream.renegotiate(Audio(), 100.0)
    assert stream.silence(101.0) == 1.0
