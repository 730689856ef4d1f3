"""`rtp.packet`: headers on the wire, and what else shares their port."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ringback.emulator.errors import PeerError
from ringback.emulator.rtp.packet import RtpPacket, classify, sequence_distance, timestamp_distance

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=400),
    marker=st.booleans(),
)


@given(PACKETS)
def test_packet_survives_the_wire(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.to_bytes()) == packet


def test_packet_has_the_header_of_rfc_3550() -> None:
    packet = RtpPacket(
        payload_type=8, sequence=0x0102, timestamp=0x03040506, ssrc=0x0708090A, payload=b"xy", marker=True
    )
    assert packet.to_bytes().hex() == "8088" + "0102" + "03040506" + "0708090a" + "7879"


@example(RtpPacket(0, 1, 2, 3, b"sound"), 2, 1, 3)
@given(PACKETS, st.integers(0, 15), st.none() | st.integers(0, 5), st.integers(0, 20))
def test_packet_is_found_behind_sources_extension_and_padding(
    packet: RtpPacket, sources: int, words: int | None, padding: int
) -> None:
    header = bytearray(packet.to_bytes()[:12])
    header[0] |= sources | (0x10 if words is not None else 0) | (0x20 if padding else 0)
    extension = b"" if words is None else struct.pack("!HH", 0xBEDE, words) + bytes(4 * words)
    tail = bytes(padding - 1) + bytes([padding]) if padding else b""
    assert RtpPacket.parse(bytes(header) + bytes(4 * sources) + extension + packet.payload + tail) == packet


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "RTP packet of 0 bytes"),
        (bytes(11), "RTP packet of 11 bytes: the header alone has 12"),
        (bytes(12), "of version 0"),
        (b"\xc0" + bytes(11), "of version 3"),
        (b"\x8f" + bytes(11), "15 contributing sources need 72"),
        (b"\x90" + bytes(14), "the extension's header is cut off"),
        (b"\x90" + bytes(13) + b"\x00\x02", "an extension of 2 words needs 24"),
        (b"\xa0" + bytes(12), "0 bytes of padding are impossible"),
        (b"\xa0" + bytes(11) + b"\x02", "2 bytes of padding are impossible"),
        (b"\xa0" + bytes(11), "0 bytes of padding are impossible"),
    ],
)
def test_parser_refuses_what_is_no_packet(data: bytes, message: str) -> None:
    with pytest.raises(PeerError, match=message):
        RtpPacket.parse(data)


@given(st.binary(max_size=64))
def test_parser_raises_nothing_but_peer_errors(data: bytes) -> None:
    for candidate in (data, b"\xbf" + data):
        try:
            RtpPacket.parse(candidate)
        except PeerError:
            continue


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "other"),
        (b"\x80", "other"),
        (b"\x80\x00", "rtp"),
        (b"\x80\xe0", "rtp"),
        (b"\xbf\xbf", "rtp"),
        (b"\x80\xc0", "rtcp"),
        (b"\x81\xc8", "rtcp"),
        (b"\x80\xdf", "rtcp"),
        (b"\x00\x01\x00\x00", "stun"),
        (b"\x03\x00", "stun"),
        (b"\x16\xfe", "other"),
        (b"\x40\x00", "other"),
        (b"\xff\xff", "other"),
    ],
)
def test_port_tells_its_guests_apart(data: bytes, kind: str) -> None:
    assert classify(data) == kind


@pytest.mark.parametrize(
    ("ahead", "reference", "distance"), [(5, 3, 2), (3, 5, -2), (1, 0xFFFF, 2), (0xFFFF, 1, -2), (0x8000, 0, -0x8000)]
)
def test_sequence_distance_crosses_the_wrap(ahead: int, reference: int, distance: int) -> None:
    assert sequence_distance(ahead, reference) == distance


@pytest.mark.parametrize(
    ("ahead", "reference", "distance"), [(160, 0, 160), (0, 160, -160), (80, 0xFFFFFFB0, 160), (0xFFFFFFB0, 80, -160)]
)
def test_timestamp_distance_crosses_the_wrap(ahead: int, reference: int, distance: int) -> None:
    assert timestamp_distance(ahead, reference) == distance
