"""Reliable provisional responses (RFC 3262), for callers that insist on them."""

from functools import partial

from ..bench import Bench
from ..client.call import Call
from ..client.records import ReceivedResponse
from ..requirement import Level, requirement

NEEDS = {"rest", "sip", "webhooks", "sip-100rel"}
REQUIRED = [("Require", "100rel")]

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)


def provisionals(call: Call) -> list[ReceivedResponse]:
    return [each for each in call.responses if 100 < each.status < 200]


async def rung(bench: Bench) -> tuple[Call, ReceivedResponse]:
    """An answered call whose caller required reliable ringing, and the ringing."""
    call, _ = await bench.connect(headers=REQUIRED)
    ringing = provisionals(call)
    if not ringing:
        bench.fail("a provisional response", [each.status for each in call.responses])
    return call, ringing[0]


@by_rfc(
    "SIP-PRACK-01",
    says="Provisional responses are reliable where the caller requires it.",
    clause="RFC 3262 3: a UAS MUST send any non-100 provisional response reliably if 100rel is required",
)
async def ringing_is_reliable(bench: Bench) -> None:
    call, _ = await rung(bench)
    for each in provisionals(call):
        headers = each.message.headers
        bench.expect((headers.get("RSeq") or "").isdigit(), "RSeq", headers.get("RSeq"))
        bench.expect("100rel" in (headers.get("Require") or ""), "Require: 100rel", headers.get("Require"))


@by_rfc(
    "SIP-PRACK-02",
    says="A PRACK is answered with 200.",
    clause="RFC 3262 3: a PRACK that matches an unacknowledged response MUST be answered with a 2xx",
)
async def prack_is_answered(bench: Bench) -> None:
    call, ringing = await rung(bench)
    response = await call.prack(ringing, timeout=bench.within.answer)
    bench.expect(response.code == 200, "200 to PRACK", response.code)


@by_rfc(
    "SIP-PRACK-03",
    says="A PRACK of another response is answered with 481.",
    clause="RFC 3262 3: a PRACK that matches no unacknowledged response gets 481",
)
async def strange_prack_gets_481(bench: Bench) -> None:
    call, ringing = await rung(bench)
    response = await call.prack(ringing, offset=1, timeout=bench.within.answer)
    bench.expect(response.code == 481, "481", response.code)


@requirement(
    "SIP-PRACK-04",
    level=Level.CHOICE,
    says="A caller that only supports 100rel rings reliably or not.",
    evidence="CHOICE",
    clause="RFC 3262 3 leaves it to the UAS; asked in public, never answered",
    needs={"rest", "sip", "webhooks"},
)
async def supported_is_no_demand(bench: Bench) -> None:
    call, _ = await bench.connect(headers=[("Supported", "100rel")])
    reliable = [each.status for each in provisionals(call) if each.message.headers.get("RSeq")]
    bench.note(f"reliable: {reliable}" if reliable else "it rings unreliably")
