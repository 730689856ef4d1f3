"""Keys of the phone, and two media ends that speak SRTP over loopback."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from conformance.client.test_media import End, answer
from ringback.conformance.client.errors import ProtocolViolation
from ringback.conformance.client.sdp import build_offer, read_answer
from ringback.conformance.client.srtp import SUITES, Crypto, KeyRing

EIGHTY, THIRTY_TWO = SUITES


def ring(*suites: str, seed: int = 1) -> KeyRing:
    return KeyRing(suites, random.Random(seed))


def test_phone_reads_the_line_that_it_writes() -> None:
    [ours] = ring(EIGHTY).offer()
    assert Crypto.parse(ours.line().removeprefix("a=crypto:")) == ours
    assert Crypto.parse(ours.line().removeprefix("a=crypto:") + "|2^20|1:4 WSH=64") == ours


@pytest.mark.parametrize("value", ["", f"1 {EIGHTY}", f"1 {EIGHTY} inline:AAAA", f"x {EIGHTY} inline:{40 * 'A'}"])
def test_phone_refuses_a_line_without_a_key(value: str) -> None:
    with pytest.raises(ProtocolViolation):
        Crypto.parse(value)


def test_phone_offers_new_keys_under_new_tags_each_time() -> None:
    keys = ring(*SUITES)
    lines = [*keys.offer(), *keys.offer()]
    assert [each.tag for each in lines] == [1, 2, 3, 4]
    assert len({each.key for each in lines}) == 4


@pytest.mark.parametrize("changed", [{"tag": 9}, {"suite": THIRTY_TWO}])
def test_phone_refuses_an_answer_that_takes_no_line_of_its_offer(changed: dict[str, str]) -> None:
    keys = ring(EIGHTY)
    [ours] = keys.offer()
    with pytest.raises(ProtocolViolation):
        keys.agree(replace(ours, **changed))  # type: ignore[arg-type]
    with pytest.raises(ProtocolViolation):
        keys.agree(None)


def test_phone_refuses_a_key_that_it_did_not_ask_for() -> None:
    with pytest.raises(ProtocolViolation):
        ring().agree(Crypto(tag=1, suite=EIGHTY, key=bytes(30)))
    assert ring().agree(None) is None


def test_offer_and_answer_of_srtp_fit() -> None:
    caller, callee = ring(*SUITES), ring(seed=2)
    body = build_offer(address="127.0.0.1", port=4000, session_id=1, crypto=caller.offer())
    assert b"RTP/SAVP" in body
    read = read_answer(body, ("PCMU",))
    assert read.crypto is not None
    [ours] = callee.answer(read.crypto)
    one, two = caller.agree(ours), callee.agree(read.crypto)
    assert one is not None
    assert two is not None
    packet = bytes((0x80, 0, 0, 1)) + bytes(168)
    assert two.unprotect(one.protect(packet)) == packet
    assert one.unprotect(two.protect(packet)) == packet
    assert one.unprotect(packet) is None
    assert one.unprotect_rtcp(bytes(2000)) is None


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    one, two = End(), End()
    await one.open()
    await two.open()
    yield one, two
    one.media.stop()
    two.media.stop()


def agree(one: End, two: End) -> None:
    """A new offer of `one`, answered by `two`."""
    [offered] = one.media.keys.offer()
    [answered] = two.media.keys.answer(offered)
    two.media.start(replace(answer(one.media.port), crypto=offered))
    one.media.start(replace(answer(two.media.port), crypto=answered))


async def test_two_ends_hear_each_other_by_srtp_and_after_new_keys(ends: tuple[End, End]) -> None:
    one, two = ends
    one.media.keys = ring(EIGHTY)
    agree(one, two)
    await asyncio.gather(one.media.say("secret"), two.media.say("hello"))
    assert await two.heard() == ["secret"]
    assert await one.heard() == ["hello"]
    agree(one, two)
    await one.media.say("again")
    assert (await two.heard(2))[-1] == "again"


async def test_end_counts_what_is_plain(ends: tuple[End, End]) -> None:
    one, two = ends
    one.media.keys = ring(EIGHTY)
    agree(one, two)
    one.media.sends_plain = True
    await one.media.say("x")
    await two.watch.until(lambda: two.media.unauthentic >= 5, timeout=5.0, what="plain packets")
    assert two.media.hearings == []
