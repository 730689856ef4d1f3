"""Codecs beside G.711: nobody has shown what the service answers, so the checks tell what they saw."""

from functools import partial

from ..bench import Bench
from ..client import sdp
from ..requirement import Level, requirement
from .speech import session

NEEDS = {"rest", "sip", "webhooks"}
LINES = b"a=rtpmap:107 opus/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:13 CN/8000\r\n"

choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


async def chosen(bench: Bench, formats: bytes) -> str:
    """The formats of the answer to an offer with these before its own, or the status of a refusal."""
    call, call_id = await bench.ring(
        offer=lambda mine: mine.replace(b"RTP/AVP ", b"RTP/AVP " + formats + b" ", 1) + LINES
    )
    await (await bench.rest()).accept(call_id, session())
    final = await call.final_response(timeout=bench.within.answer)
    if final.status != 200:
        return f"{final.status} {final.reason}"
    return ", ".join(" ".join(media.formats) for media in sdp.parse(final.message.body).media if media.port)


@choice(
    "SDP-CODEC-01",
    says="An offer of Opus before G.711 is answered with one of them.",
    clause="Opus was seen to be offered and accepted; nobody has shown the answer",
)
async def opus_is_offered(bench: Bench) -> None:
    bench.note(f"Opus (107) before PCMU (0): {await chosen(bench, b'107')}")


@choice(
    "SDP-CODEC-02",
    says="An offer of G.722 before G.711 is answered with one of them.",
    clause="nobody has shown it",
)
async def g722_is_offered(bench: Bench) -> None:
    bench.note(f"G.722 (9) before PCMU (0): {await chosen(bench, b'9')}")


@choice("SDP-CODEC-03", says="An offer of comfort noise is answered with it or without.", clause="nobody has shown it")
async def comfort_noise_is_offered(bench: Bench) -> None:
    bench.note(f"CN (13) beside PCMU (0): {await chosen(bench, b'0 13')}")
