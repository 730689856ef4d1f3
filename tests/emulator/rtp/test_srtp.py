"""`rtp.srtp`, and a stream that speaks it: two legs joined back to back."""

import random

import numpy as np
import pytest
from agreed import PEER, Audio
from ringback.emulator.ids import Ids
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.rtcp import SenderReport, parse_compound
from ringback.emulator.rtp.srtp import MediaKeys, Replayed, Srtp
from ringback.emulator.rtp.stream import RtpStream

EIGHTY, THIRTY_TWO = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
LOUD = np.full(160, 8000, dtype=np.int16)


def keys(ours: int, theirs: int, suite: str = EIGHTY) -> MediaKeys:
    return MediaKeys(suite=suite, ours=bytes([ours]) * 30, theirs=bytes([theirs]) * 30)


def pair(suite: str = EIGHTY) -> tuple[Srtp, Srtp]:
    return Srtp(keys(1, 2, suite)), Srtp(keys(2, 1, suite))


def audio(sequence: int) -> bytes:
    return RtpPacket(0, sequence & 0xFFFF, 160 * sequence, 7, bytes(160)).to_bytes()


@pytest.mark.parametrize(("suite", "tag_bytes"), [(EIGHTY, 10), (THIRTY_TWO, 4)])
def test_packet_is_read_by_whoever_has_the_key_and_has_the_tag_of_its_suite(suite: str, tag_bytes: int) -> None:
    near, far = pair(suite)
    data = near.protect(audio(1))
    assert len(data) == len(audio(1)) + tag_bytes
    assert data[:12] == audio(1)[:12]
    assert data[12:172] != bytes(160)
    assert far.unprotect(data) == audio(1)


def test_packet_that_nobody_with_the_key_wrote_is_not_read() -> None:
    near, far = pair()
    data = near.protect(audio(1))
    assert far.unprotect(data[:-1] + bytes([data[-1] ^ 1])) is None
    assert far.unprotect(audio(1)) is None
    assert far.unprotect(data[:5]) is None
    assert far.unprotect(bytes([0x80]) * 3000) is None
    assert far.unprotect(data) == audio(1)


def test_packet_that_comes_twice_is_told_apart() -> None:
    near, far = pair()
    data = near.protect(audio(1))
    far.unprotect(data)
    with pytest.raises(Replayed):
        far.unprotect(data)


def test_context_goes_on_across_the_wrap_of_the_sequence_when_its_key_stays() -> None:
    near, far = pair()
    for sequence in range(65530, 65545):
        if sequence == 65540:
            near.change(keys(1, 2))
            far.change(keys(2, 1))
        assert far.unprotect(near.protect(audio(sequence))) == audio(sequence)


def test_new_keys_count_at_once_and_what_is_on_its_way_is_still_heard() -> None:
    near, far = pair()
    assert far.unprotect(near.protect(audio(1))) == audio(1)
    late = near.protect(audio(2))
    late_report = near.protect_rtcp(SenderReport(ssrc=7, ntp=1, timestamp=2, packets=3, octets=4).to_bytes())
    near.change(keys(3, 4))
    far.change(keys(4, 3))
    assert far.unprotect_rtcp(late_report) is not None
    assert far.unprotect(late) == audio(2)
    assert far.unprotect(near.protect(audio(4))) == audio(4)
    assert far.unprotect(pair()[0].protect(audio(3))) is None  # by now the old key is of no use


def test_reports_are_protected_and_a_repeated_one_is_dropped() -> None:
    near, far = pair(THIRTY_TWO)
    report = SenderReport(ssrc=7, ntp=1, timestamp=2, packets=3, octets=4).to_bytes()
    data = near.protect_rtcp(report)
    assert len(data) == len(report) + 4 + 10  # RFC 4568 6.2.2: SRTCP keeps the tag of 80 bits
    assert far.unprotect_rtcp(data) == report
    assert far.unprotect_rtcp(data) is None
    assert far.unprotect_rtcp(report) is None


# A stream


def make(seed: int, given: MediaKeys | None) -> RtpStream:
    return RtpStream(Audio(), ids=Ids(random.Random(seed)), now=0.0, keys=given)


def heard(far: RtpStream, near: RtpStream, ticks: int = 8) -> int:
    """The loudest of what comes out."""
    loudest = 0
    for _ in range(ticks):
        near.tick(LOUD, 0.0)
        for data, _ in near.data_to_send():
            far.receive_datagram(data, PEER, 0.0)
        frame = far.tick(None, 0.0).heard
        loudest = max(loudest, 0 if frame is None else int(frame.max()))
    return loudest


def test_legs_with_each_others_keys_hear_each_other() -> None:
    near, far = make(1, keys(1, 2)), make(2, keys(2, 1))
    assert heard(far, near) > 7000
    statistics = far.statistics()
    assert (statistics["unauthentic"], statistics["replayed"], statistics["lost"]) == (0, 0, 0)


def test_leg_counts_what_has_another_key_or_none() -> None:
    far = make(2, keys(2, 1))
    assert heard(far, make(1, keys(9, 2))) == 0
    assert heard(far, make(3, None)) == 0
    assert far.statistics()["unauthentic"] == 16
    assert far.statistics()["received"] == 0


def test_leg_counts_what_comes_twice_and_leaves_stun_alone() -> None:
    near, far = make(1, keys(1, 2)), make(2, keys(2, 1))
    near.tick(LOUD, 0.0)
    [(data, _)] = near.data_to_send()
    for _ in range(3):
        far.receive_datagram(data, PEER, 0.0)
    far.receive_datagram(b"\0\1" + bytes(18), PEER, 0.0)
    statistics = far.statistics()
    assert (statistics["replayed"], statistics["stun"], statistics["unauthentic"]) == (2, 1, 0)


def test_leg_follows_new_keys_and_both_ways_between_plain_and_secure() -> None:
    near, far = make(1, None), make(2, None)
    for one, other in ((keys(1, 2), keys(2, 1)), (keys(3, 4), keys(4, 3)), (None, None), (keys(5, 6), keys(6, 5))):
        near.renegotiate(Audio(), 0.0, one)
        far.renegotiate(Audio(), 0.0, other)
        assert heard(far, near) > 7000
    assert far.statistics()["unauthentic"] == 0


def test_leg_protects_its_reports_and_reads_the_peers() -> None:
    near, far = make(1, keys(1, 2)), make(2, keys(2, 1))
    near.tick(LOUD, 0.0)
    [(data, target)] = near.rtcp_to_send(10.0)
    assert target == (PEER[0], PEER[1] + 1)
    far.receive_rtcp(data, PEER, 10.0)
    far.receive_datagram(near.rtcp_to_send(20.0)[0][0], PEER, 20.0)  # RFC 5761: on the port of RTP
    far.receive_rtcp(b"\x80\xc8\0\0", PEER, 20.0)
    statistics = far.statistics()
    assert (statistics["reports"], statistics["unauthentic"]) == (2, 1)
    plain = Srtp(keys(2, 1)).unprotect_rtcp(data)
    assert plain is not None
    assert isinstance(parse_compound(plain)[0], SenderReport)
