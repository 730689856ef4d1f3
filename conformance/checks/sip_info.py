"""Keys by INFO, for telephones that know no RFC 4733."""

from functools import partial

from ..bench import Bench
from ..requirement import Level, requirement
from .dtmf import keys

NEEDS = {"rest", "sip", "webhooks", "dtmf", "sideband", "sip-info"}

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)


@by_rfc(
    "SIP-INFO-01",
    says="A key by INFO is told to the session where RTP can't carry it.",
    clause="RFC 6086 1 and RFC 2976: INFO carries application data, here application/dtmf-relay",
)
async def key_by_info_is_told(bench: Bench) -> None:
    call, call_id = await bench.connect(has_dtmf=False)
    sideband = await bench.attach(call_id)
    response = await call.request(
        "INFO",
        headers=[("Content-Type", "application/dtmf-relay")],
        body=b"Signal=5\r\nDuration=160\r\n",
        timeout=bench.within.answer,
    )
    bench.expect(response.code == 200, "200 to INFO", response.code)
    told = await keys(bench, sideband, 1)
    bench.expect(told == "5", "the key 5", told)


@by_rfc(
    "SIP-INFO-02",
    says="An INFO with a body of a type that nobody knows is answered with 415.",
    clause="RFC 3261 21.4.13: 415 with Accept when the type of a body is not supported",
)
async def unknown_info_gets_415(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await call.request(
        "INFO", headers=[("Content-Type", "application/x-unheard-of")], body=b"?", timeout=bench.within.answer
    )
    bench.expect(response.code == 415, "415", response.code)
    bench.expect(response.headers.get("Accept"), "Accept", "none")
