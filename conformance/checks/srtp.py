"""SRTP with keys in the SDP (RFC 4568): what is answered, what is sent, and what becomes of new keys."""

import re
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from ..bench import Bench
from ..client import sdp
from ..client.call import Call
from ..client.errors import CallRefused, FarEndError, ProtocolViolation, WaitTimeout
from ..client.media import MediaSession
from ..client.messages import Response
from ..client.sdp import MediaLine
from ..client.srtp import SUITES, Crypto, Srtp
from ..requirement import Level, requirement
from ..sources import SIP_GUIDE, rfc
from .rtp import packets
from .speech import ask, heard, session
from .webhooks import EVENT, delivered

NEEDS = {"rest", "sip", "webhooks", "srtp"}
SPOKEN = NEEDS | {"sideband", "tonecode"}
STARTED = "input_audio_buffer.speech_started"
EIGHTY, THIRTY_TWO = SUITES

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


def audio_of(bench: Bench, response: Response) -> MediaLine:
    description = sdp.parse(response.body)
    audio = next((media for media in description.media if media.kind == "audio" and media.port), None)
    if audio is None:
        bench.fail("an audio line with a port", description.lines)
    return audio


def lines_of(bench: Bench, body: bytes) -> list[Crypto]:
    """The a=crypto lines of a description."""
    values = [line.partition(":")[2] for line in sdp.parse(body).lines if line.startswith("a=crypto:")]
    try:
        return [Crypto.parse(value) for value in values]
    except ProtocolViolation as error:
        bench.fail("readable a=crypto lines", error)


async def secured(bench: Bench, **options: Any) -> tuple[Call, str]:
    """A call whose offer has SRTP, accepted and answered."""
    call, call_id = await bench.ring(**{"suites": SUITES, **options})
    await (await bench.rest()).accept(call_id, session())
    try:
        await call.answered(timeout=bench.within.answer)
    except (CallRefused, ProtocolViolation) as error:
        bench.fail("an answer of SRTP", error)
    return call, call_id


async def answered(bench: Bench, **options: Any) -> tuple[Call, MediaLine, list[Crypto]]:
    """What the 200 to an offer of SRTP says, whatever it is: the audio line, and its a=crypto lines."""
    call, call_id = await bench.ring(**{"suites": SUITES, **options})
    await (await bench.rest()).accept(call_id, session())
    final = await call.final_response(timeout=bench.within.answer)
    bench.expect(final.status == 200, "200 to an offer of SRTP", f"{final.status} {final.reason}")
    return call, audio_of(bench, final.message), lines_of(bench, final.message.body)


async def rekeyed(bench: Bench, call: Call) -> Response:
    """A re-INVITE with new keys under new tags, and its answer."""
    try:
        response = await call.reoffer(timeout=bench.within.answer)
    except FarEndError as error:
        bench.fail("a readable answer to a re-INVITE with new keys", error)
    bench.expect(response.code == 200, "200 to a re-INVITE with new keys", f"{response.code} {response.phrase}")
    return response


@by_rfc(
    "SRTP-ANSWER-01",
    says="An offer of SRTP is answered with SRTP and one a=crypto line of the offer's tags.",
    clause="RFC 4568 5.1.2: the answer has the crypto attribute that was taken, with its tag",
)
async def srtp_is_answered(bench: Bench) -> None:
    call, audio, cryptos = await answered(bench)
    bench.expect(audio.protocol == "RTP/SAVP", "RTP/SAVP", audio.protocol)
    offered = [each.tag for each in lines_of(bench, call.invite.body)]
    got = [each.tag for each in cryptos]
    bench.expect(len(got) == 1 and got[0] in offered, f"one a=crypto with a tag of {offered}", got)


@by_rfc(
    "SRTP-ANSWER-02",
    says="The a=crypto line of an answer has the suite of the line with its tag.",
    clause="RFC 4568 5.1.2: the answer's crypto-suite is that of the accepted attribute",
)
async def suite_is_that_of_the_tag(bench: Bench) -> None:
    call, _, cryptos = await answered(bench)
    offered = {each.tag: each.suite for each in lines_of(bench, call.invite.body)}
    wrong = [each for each in cryptos if offered.get(each.tag, each.suite) != each.suite]
    bench.expect(cryptos and not wrong, f"a suite as in {offered}", wrong or "no a=crypto")


@by_rfc(
    "SRTP-ANSWER-03",
    says="The key of an answer is not the key of the offer.",
    clause="RFC 4568 6.1 and 7.1.2: each side makes a key of its own for what it sends",
    link=rfc(4568, "7.1.2"),
)
async def key_is_its_own(bench: Bench) -> None:
    call, _, cryptos = await answered(bench)
    offered = [each.key for each in lines_of(bench, call.invite.body)]
    echoed = [each for each in cryptos if each.key in offered]
    bench.expect(cryptos and not echoed, "a key of its own", echoed or "no a=crypto")


@by_rfc(
    "SRTP-ANSWER-04",
    says="A line with a suite that nobody knows is passed over for a known one behind it.",
    clause="RFC 4568 5.1.2: the first attribute that the answerer can use; others are ignored",
)
async def unknown_suite_is_passed_over(bench: Bench) -> None:
    unknown = b"a=crypto:9 AES_512_NOBODY_KNOWS inline:%s\r\na=crypto:" % (40 * b"B")
    _, _, cryptos = await answered(bench, offer=lambda mine: mine.replace(b"a=crypto:", unknown, 1))
    bench.expect([each.suite in SUITES for each in cryptos] == [True], "one known suite", cryptos)


@recommended(
    "SRTP-ANSWER-05",
    says="An offer of AES_CM_128_HMAC_SHA1_32 alone is answered.",
    clause="RFC 4568 6.2.2: one of the suites that are defined for SRTP",
)
async def short_tag_is_answered(bench: Bench) -> None:
    call, _ = await secured(bench, suites=[THIRTY_TWO])
    await packets(bench, call, 3)


@by_rfc(
    "SRTP-MEDIA-01",
    says="What comes to the media port is SRTP with the key of the answer.",
    clause="RFC 4568 7.1.2 and RFC 3711 3.3: each packet is encrypted and authenticated",
    link=rfc(3711, "3.3"),
)
async def media_is_authentic(bench: Bench) -> None:
    call, _ = await secured(bench)
    try:
        await packets(bench, call)
    except WaitTimeout as error:
        bench.fail("packets with the key of the answer", f"{call.media.unauthentic} others; {error}")
    bench.expect(call.media.unauthentic == 0, "nothing else", f"{call.media.unauthentic} datagrams with no such key")


@requirement(
    "SRTP-MEDIA-02",
    level=Level.MUST,
    says="A caller by SRTP is heard, and hears the model.",
    evidence="DOC",
    clause="Telephony and SIP guide: media is SRTP",
    link=SIP_GUIDE,
    needs=SPOKEN,
)
async def both_hear_each_other(bench: Bench) -> None:
    call, call_id = await secured(bench)
    sideband = await bench.attach(call_id)
    bench.watch(call.say("hello"))
    await bench.event(sideband, STARTED, timeout=bench.within.speech)
    await heard(bench, call, "hello")


@by_rfc(
    "SRTP-MEDIA-03",
    says="Plain RTP in a call of SRTP is not heard.",
    clause="RFC 3711 3.3: a packet whose authentication fails MUST be discarded",
    needs=SPOKEN,
)
async def plain_rtp_is_discarded(bench: Bench) -> None:
    call, call_id = await secured(bench)
    sideband = await bench.attach(call_id)
    call.media.sends_plain = True
    hears = bench.watch(sideband.wait_for(STARTED, timeout=bench.within.speech))
    await call.say("hello")
    bench.expect(await bench.nothing(hears), "nothing to be heard", "speech")


@recommended(
    "SRTP-MEDIA-04",
    says="Reports are SRTCP with the key of the answer.",
    clause="RFC 4568 6.3.2: SRTCP is encrypted unless said otherwise; RFC 3711 3.4",
    link=rfc(3711, "3.4"),
    needs=NEEDS | {"clock"},
)
async def reports_are_protected(bench: Bench) -> None:
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    reports = await MediaSession.open(phone.media_address(link), port_range=None, rng=Random(), changed=lambda: None)
    try:
        call, _ = await secured(bench, offer=lambda mine: mine + b"a=rtcp:%d\r\n" % reports.port)  # RFC 3605
        await bench.clock.advance(8.0)
        await phone.request("OPTIONS", bench.access.sip[bench.transport], timeout=bench.within.answer)
        answer = await call.answered(timeout=bench.within.answer)
        bench.expect(reports.early and answer.crypto, "a report within 8 s", "none")
        assert answer.crypto is not None
        reader = Srtp(answer.crypto, answer.crypto)
        seen = [reader.unprotect_rtcp(data) for data, _ in reports.early]
    finally:
        reports.stop()
    bench.expect(all(seen), "SRTCP with the key of the answer", f"{seen.count(None)} of {len(seen)} that are not")


@by_rfc(
    "SRTP-REKEY-01",
    says="The answer to new keys has a tag of the new offer.",
    clause="RFC 4568 7.1.4: each offer/answer exchange stands for itself",
)
async def tag_is_of_the_new_offer(bench: Bench) -> None:
    call, _ = await secured(bench)
    before = {each.tag for each in lines_of(bench, call.invite.body)}
    response = await rekeyed(bench, call)
    tags = {each.tag for each in lines_of(bench, response.body)}
    bench.expect(len(tags) == 1 and not tags & before, f"a tag that is none of {before}", tags)


@by_rfc(
    "SRTP-REKEY-02",
    says="After a re-INVITE with new keys the caller is heard, and hears the model.",
    clause="RFC 4568 7.1.4: the keys of the last exchange count",
    needs=SPOKEN,
)
async def new_keys_count(bench: Bench) -> None:
    call, call_id = await secured(bench)
    sideband = await bench.attach(call_id)
    await packets(bench, call, 3)
    await rekeyed(bench, call)
    bench.watch(call.say("hello"))
    await bench.event(sideband, STARTED, timeout=bench.within.speech)
    await heard(bench, call, "hello")


@by_rfc(
    "SRTP-REKEY-03",
    says="A call of SRTP that is held and resumed with new keys goes on.",
    clause="RFC 3264 8.4 and RFC 4568 7.1.4",
    link=rfc(4568, "7.1.4"),
    needs=SPOKEN,
)
async def hold_keeps_the_call_secure(bench: Bench) -> None:
    call, call_id = await secured(bench)
    sideband = await bench.attach(call_id)
    for direction in ("sendonly", "sendrecv"):
        response = await call.reoffer(direction, timeout=bench.within.answer)
        bench.expect(response.code == 200, f"200 to {direction}", f"{response.code} {response.phrase}")
    await ask(sideband, "welcome back")
    await heard(bench, call, "welcome back")


@requirement(
    "SRTP-WEBHOOK-01",
    level=Level.MUST,
    says="For an offer of SRTP, sip_media_security is srtp, or left out as unknown.",
    evidence="SDK",
    clause=f"{EVENT}: sip_media_security",
    needs=NEEDS,
)
async def webhook_says_srtp(bench: Bench) -> None:
    security = (await delivered(bench, suites=SUITES)).data.get("sip_media_security", "srtp")
    bench.expect(security == "srtp", "srtp", security)


@choice(
    "SRTP-CHOICE-01",
    says="An offer of plain RTP and of SRTP is answered with one of them.",
    clause="nobody has shown it",
)
async def both_are_offered(bench: Bench) -> None:
    call = await bench.dial(suites=SUITES, offer=lambda mine: mine + _plain_line(mine))
    bench.note(f"RTP/SAVP and RTP/AVP: {await outcome(bench, call)}")


@choice(
    "SRTP-CHOICE-02",
    says="An offer of DTLS-SRTP is refused with 488, as one of no protocol that is spoken.",
    clause="seen to be answered plain, without a handshake, and so with noise; nobody has shown the SDP",
    calls=2,
)
async def dtls_is_offered(bench: Bench) -> None:
    hashed = b"a=fingerprint:sha-256 " + b":".join(32 * [b"AB"]) + b"\r\na=setup:actpass\r\n"
    seen = []
    for protocol in ("UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"):
        call = await bench.dial(offer=_under(protocol, hashed))
        seen.append(f"{protocol}: {await outcome(bench, call)}")
    bench.note("; ".join(seen))


async def outcome(bench: Bench, call: Call) -> str:
    """The answer's audio lines, or the status of a refusal that comes at once or when the application accepts."""
    rings = bench.watch(bench.delivery_of(call))
    if not await bench.nothing(rings):
        await (await bench.rest()).accept(str(rings.result().call_id), session())
    final = await call.final_response(timeout=bench.within.answer)
    if final.status != 200:
        return f"{final.status} {final.reason}"
    taken = [media for media in sdp.parse(final.message.body).media if media.port]
    return ", ".join(f"{media.protocol} {' '.join(media.formats)}" for media in taken)


def _under(protocol: str, lines: bytes) -> Callable[[bytes], bytes]:
    """An offer of another protocol, with these lines behind it."""
    return lambda mine: mine.replace(b"RTP/AVP", protocol.encode(), 1) + lines


def _plain_line(offer: bytes) -> bytes:
    """The audio section of an offer once more, without its keys."""
    section = offer[offer.index(b"m=audio") :].replace(b"RTP/SAVP", b"RTP/AVP")
    return re.sub(rb"a=crypto[^\r\n]*\r\n", b"", section)
