"""Codecs beside G.711. Nobody has shown what the service answers to them, so the checks tell what they saw; but who
takes one has to speak it."""

from functools import partial

from ..bench import Bench
from ..client import sdp
from ..client.codecs import CodecName
from ..requirement import Level, requirement
from ..sources import rfc
from .dtmf import EVENT
from .speech import ask, heard, session, talking, understood

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


def _declare_spoken(number: int, codec: CodecName, name: str, payload: str) -> None:
    @requirement(
        f"SDP-CODEC-{number:02d}",
        level=Level.MUST,
        says=f"An offer of {name} alone is answered with it, and both sides understand each other.",
        evidence="RFC",
        clause=f"RFC 3264 6.1: formats of an answer are those that it sends and takes; {payload}",
        link=rfc(3264, "6.1"),
        needs={*NEEDS, "sideband", "tonecode", codec.lower()},
    )
    async def codec_is_spoken(bench: Bench) -> None:
        call, sideband = await talking(bench, codecs=(codec,))
        answer = await call.answered()
        bench.expect(answer.codec == codec, codec, answer.codec)
        await ask(sideband, "good day")
        await heard(bench, call, "good day")
        await understood(bench, call, sideband)

    @requirement(
        f"SDP-CODEC-{number + 1:02d}",
        level=Level.MUST,
        says=f"A key that is pressed after words in {name} is told.",
        evidence="RFC",
        clause="RFC 4733 2.1: events take the place of the sound in its stream, and so its clock",
        link=rfc(4733, "2.1"),
        needs={*NEEDS, "sideband", "dtmf", codec.lower()},
    )
    async def key_is_told(bench: Bench) -> None:
        call, sideband = await talking(bench, codecs=(codec,))
        await call.say("hello")
        await call.press("7")
        event = await bench.event(sideband, EVENT, timeout=bench.within.speech)
        bench.expect(event.get("event") == "7", "7", event.data)


_declare_spoken(4, "opus", "Opus", "RFC 7587")
_declare_spoken(6, "G722", "G.722", "RFC 3551 4.5.2")


@requirement(
    "SDP-CODEC-08",
    level=Level.MUST,
    says="Who answers an offer of Opus with another payload type is heard by that of the offer.",
    evidence="RFC",
    clause="RFC 3264 6.1: the payload type of an answer SHOULD be the offer's, and media is sent with the offer's",
    link=rfc(3264, "6.1"),
    needs={*NEEDS, "sideband", "tonecode", "opus"},
)
async def numbers_of_the_offer_count(bench: Bench) -> None:
    call, sideband = await talking(bench, offer=b"", codecs=("opus",))
    answer = await call.answered()
    bench.expect(answer.codec == "opus", "an offer of Opus", answer.codec)
    await understood(bench, call, sideband)
