"""Offers that the phone makes, answers that it reads."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.conformance.client.errors import ProtocolViolation
from ringback.conformance.client.sdp import build_offer, parse, read_answer

# As a live service has answered, but for the address.
ANSWER = (
    b"v=0\r\no=- 2113971860 2113971862 IN IP4 192.0.2.1\r\ns=OAI\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 43955 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
)


def test_offer_is_written_as_the_rfc_wants() -> None:
    assert build_offer(address="10.0.0.1", port=4000, codecs=("PCMA", "PCMU"), session_id=7).decode().split("\r\n") == [
        "v=0",
        "o=- 7 1 IN IP4 10.0.0.1",
        "s=ringback",
        "c=IN IP4 10.0.0.1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]
    plain = parse(
        build_offer(address="::1", port=1, has_dtmf=False, session_id=1, direction="sendonly", extra=["a=x:y"])
    )
    assert plain.media[0].formats == ("0", "8")
    assert plain.connection == "::1"
    assert plain.media[0].attribute("x") == "y"
    assert plain.media[0].attribute("sendonly") == ""
    assert plain.media[0].attribute("z") is None


def test_phone_reads_the_answer_of_a_live_service() -> None:
    answer = read_answer(ANSWER, ("PCMU", "PCMA"))
    assert (answer.address, answer.port) == ("192.0.2.1", 43955)
    assert (answer.codec, answer.payload_type, answer.dtmf_payload_type) == ("PCMU", 0, 101)
    assert (answer.ptime_ms, answer.direction) == (20, "sendrecv")


def test_phone_reads_an_answer_with_everything_elsewhere() -> None:
    answer = read_answer(
        b"v=0\no=x\na=recvonly\nm=video 0 RTP/AVP 96\nm=audio 5/2 RTP/AVP 97 8 x\nc=IN IP4 1.2.3.4/127\n"
        b"a=rtpmap:97 pcmu/8000\na=rtpmap:98 telephone-event/8000\n",
        ("PCMU", "PCMA"),
    )
    assert (answer.address, answer.codec, answer.payload_type) == ("1.2.3.4", "PCMU", 97)
    assert answer.codecs == {0: "PCMU", 97: "PCMU", 8: "PCMA"}
    assert answer.dtmf_payload_type is None
    assert answer.direction == "recvonly"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"v=0", b"v=1", "must begin with v=0"),
        (b"s=OAI", b"sOAI", "not a line of an SDP"),
        (b"s=OAI", b"s=\xff", "not UTF-8"),
        (b"audio 43955", b"audio 0", "no audio"),
        (b"audio 43955", b"video 43955", "no audio"),
        (b"audio 43955", b"audio 70000", "not a media line"),
        (b"c=IN IP4 192.0.2.1", b"c=IN IP4", "not a connection line"),
        (b"c=IN IP4 192.0.2.1\r\n", b"", "no c= line"),
        (b"AVP 0 101", b"AVP 9 101", "was offered"),
    ],
)
def test_phone_refuses_an_answer_that_can_not_be(old: bytes, new: bytes, problem: str) -> None:
    with pytest.raises(ProtocolViolation, match=problem):
        read_answer(ANSWER.replace(old, new), ("PCMU",))


@given(st.binary(max_size=200))
def test_phone_raises_nothing_else_for_any_bytes(data: bytes) -> None:
    for body in (data, ANSWER + data, ANSWER.replace(b"43955", data)):
        with contextlib.suppress(ProtocolViolation):
            read_answer(body, ("PCMU",))


def test_phone_offers_events_for_each_clock_of_its_codecs() -> None:
    offer = build_offer(address="127.0.0.1", port=4000, codecs=("opus", "G722"), session_id=1).decode()
    assert "m=audio 4000 RTP/AVP 107 9 101 102\r\n" in offer
    assert "a=rtpmap:107 opus/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/48000\r\n" in offer
    assert "a=rtpmap:102 telephone-event/8000\r\n" in offer
    answer = read_answer(offer.replace("101 102", "102 101").encode(), ("PCMU", "opus"))
    assert (answer.codec, answer.payload_type, answer.dtmf_payload_type) == ("opus", 107, 101)
