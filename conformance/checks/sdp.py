"""SDP: what an answer says, how a call is held and moved, and which offers are hopeless."""

import re
from functools import partial
from random import Random
from typing import Any

from ..bench import SESSION, Bench
from ..client import sdp
from ..client.call import Call
from ..client.errors import CallRefused, WaitTimeout
from ..client.media import MediaSession
from ..client.messages import Response
from ..client.sdp import Description, MediaLine
from ..requirement import Level, requirement
from .rtp import nothing_more, packets

NEEDS = {"rest", "sip", "webhooks"}
VIDEO = b"m=video 5004 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
HOPELESS = b"RTP/AVP 18"

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


def body_of(response: Response) -> Description:
    return sdp.parse(response.body)


async def answered(bench: Bench, **options: Any) -> tuple[Call, Description]:
    """A call, and the SDP of its 200."""
    call, _ = await bench.connect(**options)
    final = await call.final_response(timeout=bench.within.answer)
    return call, body_of(final.message)


def audio_of(bench: Bench, description: Description) -> MediaLine:
    audio = next((media for media in description.media if media.kind == "audio"), None)
    if audio is None:
        bench.fail("an audio line", description.lines)
    return audio


def direction(description: Description) -> str:
    """The direction of the audio."""
    known = ("sendrecv", "sendonly", "recvonly", "inactive")
    named = [attribute for media in description.media if media.kind == "audio" for attribute in media.attributes]
    return next((name for name in (*named, *description.attributes) if name in known), "sendrecv")


async def reoffered(bench: Bench, call: Call, offer: bytes) -> Description:
    headers = [("Content-Type", "application/sdp")]
    response = await call.request("INVITE", headers=headers, body=offer, timeout=bench.within.answer)
    bench.expect(response.code == 200, "200 to a re-INVITE", f"{response.code} {response.phrase}")
    return body_of(response)


def directed(offer: bytes, name: bytes) -> bytes:
    """The next version of an offer, with another direction."""
    newer = re.sub(rb"(?m)^(o=\S+ \S+) (\d+)", lambda old: old[1] + b" %d" % (int(old[2]) + 1), offer)
    return newer.replace(b"a=sendrecv", b"a=" + name)


async def refusal(bench: Bench, change: tuple[bytes, bytes]) -> int:
    """The status that a hopeless offer gets, at once or when the application accepts."""
    call = await bench.dial(offer=lambda mine: re.sub(*change, mine))
    undecided = bench.watch(bench.delivery_of(call))
    if await bench.nothing(undecided):
        return (await call.final_response(timeout=bench.within.answer)).status
    rings = undecided.result()
    await (await bench.rest()).accept(str(rings.call_id), SESSION)
    return (await call.final_response(timeout=bench.within.answer)).status


@by_rfc(
    "SDP-ANSWER-01",
    says="The 200 answers an offer of G.711 with an audio line that has a port.",
    clause="RFC 3261 13.2.1: the 2xx to an INVITE with an offer has the answer",
)
async def offer_is_answered(bench: Bench) -> None:
    _, description = await answered(bench)
    audio = audio_of(bench, description)
    bench.expect(audio.port, "a port", description.lines)


@observed(
    "SDP-ANSWER-02",
    says="The body of the 200 is announced as application/sdp, if at all.",
    clause="a capture of September 2025 has no Content-Type; later ones have",
)
async def body_is_announced_as_sdp(bench: Bench) -> None:
    call, _ = await bench.connect()
    final = await call.final_response(timeout=bench.within.answer)
    value = final.message.headers.get("Content-Type")
    bench.expect(value in (None, "application/sdp"), "application/sdp, or no Content-Type", value)


@by_rfc(
    "SDP-ANSWER-03",
    says="An answer has as many m= lines as the offer, in its order.",
    clause="RFC 3264 6: an m= line for each m= line of the offer",
)
async def answer_has_as_many_lines(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: mine + VIDEO)
    kinds = [media.kind for media in description.media]
    bench.expect(kinds == ["audio", "video"], "audio, video", kinds)


@by_rfc(
    "SDP-ANSWER-04",
    says="An m= line of video is answered with port 0.",
    clause="RFC 3264 6: a stream is rejected by port zero",
)
async def video_is_rejected(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: mine + VIDEO)
    ports = [media.port for media in description.media if media.kind == "video"]
    bench.expect(ports in ([], [0]), "port 0 for video", ports)


@by_rfc(
    "SDP-ANSWER-05",
    says="The audio line of an answer has the offer's transport protocol.",
    clause="RFC 3264 6: the transport protocol is that of the offer",
)
async def protocol_is_that_of_the_offer(bench: Bench) -> None:
    _, description = await answered(bench)
    audio = audio_of(bench, description)
    bench.expect(audio.protocol == "RTP/AVP", "RTP/AVP", audio.protocol)


@by_rfc(
    "SDP-ANSWER-06",
    says="The answer to an offer of PCMA alone takes PCMA.",
    clause="RFC 3264 6.1: at least one codec out of the offer",
)
async def codec_is_out_of_the_offer(bench: Bench) -> None:
    try:
        _, description = await answered(bench, codecs=("PCMA",))
    except CallRefused as error:
        bench.fail("PCMA", error)
    formats = audio_of(bench, description).formats
    bench.expect(formats[:1] == ("8",), "format 8 first", formats)


@by_rfc(
    "SDP-ANSWER-07",
    says="The answer to an offer of PCMU alone takes PCMU.",
    clause="RFC 3264 6.1: at least one codec out of the offer",
)
async def pcmu_is_taken(bench: Bench) -> None:
    _, description = await answered(bench, codecs=("PCMU",))
    formats = audio_of(bench, description).formats
    bench.expect(formats[:1] == ("0",), "format 0 first", formats)


@recommended(
    "SDP-ANSWER-08",
    says="Telephone events get the payload type of the offer.",
    clause="RFC 3264 6.1: the payload type of the offer should be used for the same codec",
)
async def telephone_events_keep_their_number(bench: Bench) -> None:
    call, _ = await answered(bench, offer=lambda mine: mine.replace(b"101", b"96"))
    answer = await call.answered(timeout=bench.within.answer)
    bench.expect(answer.dtmf_payload_type == 96, "telephone-event as 96", answer.dtmf_payload_type)


@by_rfc(
    "SDP-ANSWER-09",
    says="An offer to send only is answered recvonly or inactive.",
    clause="RFC 3264 6.1: sendonly is answered recvonly or inactive",
)
async def sendonly_is_answered_recvonly(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: directed(mine, b"sendonly"))
    bench.expect(direction(description) in ("recvonly", "inactive"), "recvonly", direction(description))


@by_rfc(
    "SDP-ANSWER-10",
    says="An offer to receive only is answered sendonly or inactive.",
    clause="RFC 3264 6.1: recvonly is answered sendonly or inactive",
)
async def recvonly_is_answered_sendonly(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: directed(mine, b"recvonly"))
    bench.expect(direction(description) in ("sendonly", "inactive"), "sendonly", direction(description))


@by_rfc(
    "SDP-ANSWER-11",
    says="An inactive offer is answered inactive.",
    clause="RFC 3264 6.1: inactive is answered inactive",
)
async def inactive_is_answered_inactive(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: directed(mine, b"inactive"))
    bench.expect(direction(description) == "inactive", "inactive", direction(description))


@by_rfc(
    "SDP-ANSWER-12",
    says="An answer has v=, o=, s=, c= and t= in their order.",
    clause="RFC 8866 5 and 5.7: v=, o=, s=, t=, and c= for the session or each medium",
)
async def answer_has_its_lines_in_order(bench: Bench) -> None:
    _, description = await answered(bench)
    kinds = [line[0] for line in description.lines]
    head = [kind for kind in kinds[: kinds.index("m")] if kind in "vost"]
    bench.expect(head == list("vost"), "v=, o=, s=, t=", description.lines)
    connected = description.connection or all(media.connection for media in description.media)
    bench.expect(connected, "a c= line", description.lines)


@by_rfc(
    "SDP-ANSWER-13",
    says="The t= line of an answer is that of the offer.",
    clause="RFC 3264 6: t= of the answer equals that of the offer",
)
async def time_is_that_of_the_offer(bench: Bench) -> None:
    _, description = await answered(bench)
    times = [line for line in description.lines if line.startswith("t=")]
    bench.expect(times == ["t=0 0"], "t=0 0", times)


@by_rfc(
    "SDP-ANSWER-14",
    says="Attributes and bandwidths that nobody knows are ignored.",
    clause="RFC 8866 5.13: attributes that are not understood MUST be ignored",
)
async def unknown_attributes_are_ignored(bench: Bench) -> None:
    strange = b"b=X-Y:64\r\na=unheard-of\r\na=x-strange:1 2 3\r\n"
    _, description = await answered(bench, offer=lambda mine: mine + strange)
    bench.expect(audio_of(bench, description).port, "a port", description.lines)


@by_rfc(
    "SDP-ANSWER-15",
    says="The 200 to an INVITE without SDP has an offer.",
    clause="RFC 3261 13.2.1: without an offer in the INVITE it is in the 2xx",
)
async def invite_without_offer_gets_one(bench: Bench) -> None:
    _, description = await answered(bench, offer=b"")
    audio = audio_of(bench, description)
    bench.expect(audio.port and audio.formats, "an offer of audio", description.lines)


@requirement(
    "SDP-ANSWER-16",
    level=Level.CHOICE,
    says="Of two codecs the one that the caller names first is taken.",
    evidence="CHOICE",
    clause="RFC 3264 6.1 recommends the order of the offer",
    needs=NEEDS,
)
async def first_codec_is_taken(bench: Bench) -> None:
    _, description = await answered(bench, codecs=("PCMA", "PCMU"))
    bench.note(f"PCMA before PCMU: {' '.join(audio_of(bench, description).formats)}")


@observed(
    "SDP-ANSWER-17",
    says="Telephone events are answered with the events 0-16.",
    clause="call capture of September 2025",
)
async def events_are_0_to_16(bench: Bench) -> None:
    _, description = await answered(bench)
    events = audio_of(bench, description).attribute("fmtp")
    bench.expect(events == "101 0-16", "a=fmtp:101 0-16", events)


@by_rfc(
    "SDP-REFUSAL-01",
    says="An offer without a codec of ours is not answered with 200.",
    clause="RFC 3264 6: an offer with nothing in common is not accepted",
)
async def hopeless_offer_is_refused(bench: Bench) -> None:
    status = await refusal(bench, (rb"RTP/AVP .*", HOPELESS))
    bench.expect(status >= 300, "a refusal", status)


@recommended(
    "SDP-REFUSAL-02",
    says="An offer without a codec of ours is refused with 488.",
    clause="RFC 3261 13.3.1.3: an offer that is not acceptable gets 488",
)
async def hopeless_offer_gets_488(bench: Bench) -> None:
    status = await refusal(bench, (rb"RTP/AVP .*", HOPELESS))
    bench.expect(status == 488, "488", status)


@recommended(
    "SDP-REFUSAL-03",
    says="An offer of video alone is refused with 488.",
    clause="RFC 3261 13.3.1.3: an offer that is not acceptable gets 488",
)
async def video_alone_gets_488(bench: Bench) -> None:
    status = await refusal(bench, (rb"(?s)m=audio.*", VIDEO))
    bench.expect(status == 488, "488", status)


@recommended(
    "SDP-REFUSAL-04",
    says="An offer that can't be read is refused with 400 or 488.",
    clause="RFC 3261 21.4.1: a body that can't be read",
)
async def unreadable_offer_is_refused(bench: Bench) -> None:
    status = await refusal(bench, (rb"(?s).*", b"this is no SDP\r\n"))
    bench.expect(status in (400, 488), "400 or 488", status)


@by_rfc(
    "SDP-CHANGE-01",
    says="The next answer of a call keeps o= and counts its version up.",
    clause="RFC 3264 8: the version in o= grows by one with each change",
)
async def version_counts_up(bench: Bench) -> None:
    call, first = await answered(bench)
    second = await reoffered(bench, call, directed(call.invite.body, b"sendonly"))
    before, after = first.origin.split(), second.origin.split()
    expected = [*before[:2], str(int(before[2]) + 1), *before[3:]] if before[2:] and before[2].isdigit() else before
    bench.expect(after == expected, f"o={' '.join(expected)}", f"o={second.origin}")


@by_rfc(
    "SDP-CHANGE-02",
    says="A caller who holds the call receives no RTP.",
    clause="RFC 3264 8.4 and 6.1: a held side does not send",
)
async def held_call_is_silent(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    await reoffered(bench, call, directed(call.invite.body, b"sendonly"))
    bench.expect(await nothing_more(bench, call), "no RTP while held", "RTP")


@by_rfc(
    "SDP-CHANGE-03",
    says="A caller who holds the call by the address 0.0.0.0 receives no RTP.",
    clause="RFC 3264 8.4: c=0.0.0.0 means that nothing is to be sent there",
)
async def null_address_is_silent(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    await reoffered(bench, call, re.sub(rb"c=IN IP4 \S+", b"c=IN IP4 0.0.0.0", directed(call.invite.body, b"sendrecv")))
    bench.expect(await nothing_more(bench, call), "no RTP while held", "RTP")


@by_rfc(
    "SDP-CHANGE-04",
    says="An inactive call carries no RTP.",
    clause="RFC 3264 6.1: an inactive stream carries nothing",
)
async def inactive_call_is_silent(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    await reoffered(bench, call, directed(call.invite.body, b"inactive"))
    bench.expect(await nothing_more(bench, call), "no RTP while inactive", "RTP")


@by_rfc(
    "SDP-CHANGE-05",
    says="After a hold RTP flows again.",
    clause="RFC 3264 8.4: the hold ends with an offer to send and receive",
)
async def resumed_call_sounds(bench: Bench) -> None:
    call, _ = await answered(bench)
    held = directed(call.invite.body, b"sendonly")
    await reoffered(bench, call, held)
    await nothing_more(bench, call)
    resumed = await reoffered(bench, call, directed(held.replace(b"a=sendonly", b"a=sendrecv"), b"sendrecv"))
    bench.expect(direction(resumed) == "sendrecv", "sendrecv", direction(resumed))
    receiver = call.media.receiver
    try:
        await packets(bench, call, 5, after=0 if receiver is None else len(receiver.packets))
    except WaitTimeout as error:
        bench.fail("RTP after the hold", error)


@by_rfc(
    "SDP-CHANGE-06",
    says="After a new offer with another port RTP goes there.",
    clause="RFC 3264 8.3.1: media goes to the new address and port",
)
async def media_moves(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    phone = await bench.phone()
    there = await MediaSession.open(phone.media_address(call.link), port_range=None, rng=Random(), changed=lambda: None)
    try:
        call.media.is_muted = True
        port = re.compile(rb"m=audio \d+")
        await reoffered(bench, call, port.sub(b"m=audio %d" % there.port, directed(call.invite.body, b"sendrecv")))
        bench.expect(await nothing_more(bench, call), "no RTP to the old port", "RTP")
        bench.expect(there.early, "RTP to the new port", "none")
    finally:
        there.stop()
