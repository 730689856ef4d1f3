"""The fuzzer's loop: seeds become damage, damage goes to a target, and what raises is a finding."""

import json
import random
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import seeds
from .mutation import Mutator
from .targets import (
    MediaTarget,
    SessionTarget,
    SipTarget,
    Target,
    read_body,
    read_offer,
    read_reports,
    read_webrtc_offer,
)

ENOUGH = 5
"""Findings of one target: it is broken, and more of them tell no more."""


@dataclass(frozen=True, slots=True)
class Finding:
    data: bytes
    error: str
    where: str


@dataclass(slots=True)
class Result:
    """Of one target. `slowest` is the longest that one input took, in seconds of the processor."""

    name: str
    inputs: int = 0
    slowest: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def targets(rng: random.Random, mutator: Mutator, corpus: Path | None) -> list[Target]:
    messages = seeds.sip(corpus)
    return [
        Target("sip-datagram", messages, SipTarget(rng, mutator, "udp")),
        Target("sip-stream", messages, SipTarget(rng, mutator, "tcp")),
        Target("sdp", seeds.offers(), read_offer),
        Target("webrtc-offer", seeds.offers(), read_webrtc_offer),
        Target("rtp", [*seeds.RTP, *seeds.RTCP], MediaTarget(rng)),
        Target("rtcp", list(seeds.RTCP), read_reports),
        Target("events", encoded(seeds.EVENTS), SessionTarget(rng), seeds.EVENTS),
        Target("bodies", encoded(seeds.BODIES), read_body, seeds.BODIES),
    ]


def encoded(documents: tuple[object, ...]) -> list[bytes]:
    return [json.dumps(document).encode() for document in documents]


def fuzz(
    *, seconds: float | None = None, inputs: int | None = None, seed: int, only: str = "", corpus: Path | None = None
) -> Iterator[Result]:
    """Each target gets the same share of the time, or so many inputs, from a random source of its own."""
    names = [target.name for target in targets(random.Random(0), Mutator(random.Random(0)), None)]
    for name in (each for each in names if only in each):
        rng = random.Random(f"{seed} {name}")
        mutator = Mutator(rng)
        target = next(each for each in targets(rng, mutator, corpus) if each.name == name)
        share = None if seconds is None else seconds / len(names)
        yield _feed(target, rng, mutator, share, inputs)


def _feed(target: Target, rng: random.Random, mutator: Mutator, seconds: float | None, inputs: int | None) -> Result:
    result = Result(target.name)
    until = None if seconds is None else time.monotonic() + seconds
    while (until is None or time.monotonic() < until) and (inputs is None or result.inputs < inputs):
        if target.documents and rng.random() < 0.6:
            data = json.dumps(mutator.mutate_json(rng.choice(target.documents))).encode()
        else:
            data = mutator.mutate(rng.choice(target.seeds), rng.choice(target.seeds))
        result.inputs += 1
        started = time.thread_time()
        try:
            target.feed(data)
        except Exception as error:  # noqa: BLE001 — that is what is looked for
            result.findings.append(Finding(data, repr(error)[:300], traceback.format_exc(limit=-4)))
            if len(result.findings) == ENOUGH:
                break
        result.slowest = max(result.slowest, time.thread_time() - started)
    return result
