"""`sdp.local_description`: versions and keys through the offers and answers of a call."""

import random

import pytest
from ringback.emulator.errors import SdpError
from ringback.emulator.ids import Ids
from ringback.emulator.sdp.crypto import Crypto, first_usable
from ringback.emulator.sdp.description import parse
from ringback.emulator.sdp.local_description import LocalDescription
from ringback.emulator.sdp.offer_answer import NegotiatedAudio, negotiate

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
EIGHTY, THIRTY_TWO = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"


def theirs(tag: int = 1, suite: str = EIGHTY, key: int = 1) -> Crypto:
    return Crypto(tag=tag, suite=suite, key=bytes([key]) * 30)


class Desk:
    def __init__(self) -> None:
        self.local = LocalDescription(Ids(random.Random(1)))

    def answer(self, crypto: Crypto | None, *lines: str) -> tuple[NegotiatedAudio, Crypto | None]:
        """What was agreed on, and our line."""
        kind, more = ("RTP/AVP", []) if crypto is None else ("RTP/SAVP", [crypto.line()])
        body = "".join(f"{line}\r\n" for line in (f"m=audio 4000 {kind} 0", *more, *lines))
        offer = parse(HEAD + body)
        negotiated = negotiate(offer)
        text = self.local.answer(offer, negotiated, address="127.0.0.1", port=5000)
        return negotiated, first_usable(parse(text).media[0])

    def version(self, direction: str) -> tuple[int, int]:
        offer = parse(HEAD + f"m=audio 4000 RTP/AVP 0\r\na={direction}\r\n")
        text = self.local.answer(offer, negotiate(offer), address="127.0.0.1", port=5000)
        _, session_id, version, *_ = parse(text).origin.split()
        return int(session_id), int(version)

    def offer(self, *, is_secure: bool) -> Crypto | None:
        text = self.local.offer(address="127.0.0.1", port=5000, is_secure=is_secure)
        media = parse(text).media[0]
        crypto = first_usable(media)
        assert media.protocol == ("RTP/AVP" if crypto is None else "RTP/SAVP")
        return crypto


@pytest.fixture
def desk() -> Desk:
    return Desk()


def answered(crypto: Crypto | None) -> NegotiatedAudio:
    kind, more = ("RTP/AVP", "") if crypto is None else ("RTP/SAVP", f"{crypto.line()}\r\n")
    return negotiate(parse(f"{HEAD}m=audio 4000 {kind} 0\r\n{more}"))


def test_answerer_changes_its_version_with_its_description_and_only_then(desk: Desk) -> None:
    session_id, version = desk.version("sendrecv")
    assert desk.version("sendrecv") == (session_id, version)
    assert desk.version("sendonly") == (session_id, version + 1)
    assert desk.version("sendonly") == (session_id, version + 1)
    assert desk.version("sendrecv") == (session_id, version + 2)


@pytest.mark.parametrize("suite", [EIGHTY, THIRTY_TWO])
def test_answerer_has_a_key_of_its_own_under_the_tag_of_the_offer(desk: Desk, suite: str) -> None:
    negotiated, ours = desk.answer(theirs(tag=5, suite=suite))
    assert ours is not None
    assert (ours.tag, ours.suite) == (5, suite)
    assert ours.key != theirs().key
    assert desk.local.key_for(negotiated) == ours.key


def test_answerer_makes_a_new_key_when_the_peer_does(desk: Desk) -> None:
    keys = []
    for crypto in (theirs(key=1), theirs(key=2), theirs(key=2, suite=THIRTY_TWO)):
        negotiated, ours = desk.answer(crypto)
        assert ours is not None
        assert desk.local.key_for(negotiated) == ours.key
        keys.append(ours.key)
    assert len(set(keys)) == 3


def test_answerer_keeps_its_key_when_the_peer_does_under_whatever_tag(desk: Desk) -> None:
    _, first = desk.answer(theirs(tag=1))
    _, second = desk.answer(theirs(tag=2), "a=sendonly")
    assert first is not None
    assert second == Crypto(tag=2, suite=first.suite, key=first.key)


def test_answerer_of_plain_rtp_has_no_key(desk: Desk) -> None:
    desk.answer(theirs())
    negotiated, ours = desk.answer(None)
    assert ours is None
    assert desk.local.key_for(negotiated) is None
    assert desk.offer(is_secure=False) is None


def test_offerer_speaks_srtp_where_it_has_to_and_keeps_its_key(desk: Desk) -> None:
    ours = desk.offer(is_secure=True)
    assert ours is not None
    assert desk.local.key_for(answered(theirs())) == ours.key
    assert desk.offer(is_secure=False) == ours


def test_offerer_within_a_secure_call_offers_the_stronger_suite(desk: Desk) -> None:
    _, before = desk.answer(theirs(suite=THIRTY_TWO))
    ours = desk.offer(is_secure=False)
    assert before is not None
    assert ours is not None
    assert (ours.tag, ours.suite) == (1, EIGHTY)
    assert ours.key != before.key


def test_offerer_makes_a_new_key_for_the_next_offer_of_the_peer(desk: Desk) -> None:
    ours = desk.offer(is_secure=True)
    _, answer = desk.answer(theirs())
    assert ours is not None
    assert answer is not None
    assert answer.key != ours.key


@pytest.mark.parametrize("answer", [None, theirs(tag=2), theirs(suite=THIRTY_TWO)])
def test_offerer_refuses_an_answer_that_takes_none_of_its_lines(desk: Desk, answer: Crypto | None) -> None:
    desk.offer(is_secure=True)
    with pytest.raises(SdpError) as caught:
        desk.local.key_for(answered(answer))
    assert caught.value.status == 488


def test_offerer_of_plain_rtp_refuses_an_answer_with_a_key(desk: Desk) -> None:
    desk.offer(is_secure=False)
    with pytest.raises(SdpError):
        desk.local.key_for(answered(theirs()))
