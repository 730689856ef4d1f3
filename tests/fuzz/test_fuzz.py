"""A slice of the fuzzer with a fixed seed, so that it stays able to run, and what longer runs have found."""

import random

import pytest

from .mutation import LARGEST, Mutator
from .run import fuzz
from .targets import SipTarget, Target

NAMES = ("sip-datagram", "sip-stream", "sdp", "webrtc-offer", "rtp", "rtcp", "events", "bodies")


@pytest.mark.parametrize("name", NAMES)
def test_damage_raises_nothing_but_what_says_whose_fault_it_is(name: str) -> None:
    (result,) = [each for each in fuzz(inputs=700, seed=7, only=name) if each.name == name]
    assert result.findings == []
    assert result.inputs == 700


def test_same_seed_gives_the_same_damage() -> None:
    seeds = [b"INVITE sip:a@b SIP/2.0\r\n", b"v=0\r\n"]
    once, again = (Mutator(random.Random(3)) for _ in range(2))
    damage = [once.mutate(*seeds) for _ in range(200)]
    assert damage == [again.mutate(*seeds) for _ in range(200)]
    assert len(set(damage)) > 150
    assert max(map(len, damage)) <= LARGEST


def test_fuzzer_finds_what_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(data: bytes) -> None:
        if b"\0" in data:
            raise KeyError("boom")

    monkeypatch.setattr("fuzz.run.targets", lambda *_: [Target("weak", [b"a", b"b"], feed)])
    (result,) = fuzz(inputs=5000, seed=1)
    assert {finding.error for finding in result.findings} == {"KeyError('boom')"}
    assert all(b"\0" in finding.data for finding in result.findings)


def test_endpoint_comes_to_rest_whatever_it_was_sent() -> None:
    rng = random.Random(5)
    target = SipTarget(rng, Mutator(rng), "udp")
    for number in range(20):
        target(
            f"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK{number}\r\nFrom: <sip:c@d>;tag=1\r\n"
            f"To: <sip:a@b>\r\nCall-ID: {number}\r\nCSeq: 1 INVITE\r\nContact: <sip:c@d>\r\n\r\n".encode()
        )
    target._end()
    left = target.endpoint.describe()
    assert 0 < left["server_transactions"] == left["undecided_invites"]  # those that it left undecided
