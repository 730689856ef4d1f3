"""SDP: what an answer says, how a call is held and moved, and which offers are hopeless."""

import re
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
from ..sources import rfc
from .rtp import nothing_more, packets

NEEDS = {"rest", "sip", "webhooks"}
VIDEO = b"m=video 5004 RTP/AVP 31\r\na=rtpmap:31 H261/90000\r\n"
HOPELESS = b"RTP/AVP 18"


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


@requirement(
    "SDP-ANSWER-01",
    level=Level.MUST,
    says="The 200 answers an offer of G.711 with an audio line that has a port.",
    evidence="RFC",
    clause="RFC 3261 13.2.1: the 2xx to an INVITE with an offer has the answer",
    link=rfc(3261, "13.2.1"),
    needs=NEEDS,
)
async def offer_is_answered(bench: Bench) -> None:
    _, description = await answered(bench)
    audio = audio_of(bench, description)
    bench.expect(audio.port, "a port", description.lines)


@requirement(
    "SDP-ANSWER-02",
    level=Level.OBSERVED,
    says="The body of the 200 is announced as application/sdp, if at all.",
    evidence="OBS",
    clause="a capture of September 2025 has no Content-Type; later ones have",
    needs=NEEDS,
)
async def body_is_announced_as_sdp(bench: Bench) -> None:
    call, _ = await bench.connect()
    final = await call.final_response(timeout=bench.within.answer)
    value = final.message.headers.get("Content-Type")
    bench.expect(value in (None, "application/sdp"), "application/sdp, or no Content-Type", value)


@requirement(
    "SDP-ANSWER-03",
    level=Level.MUST,
    says="An answer has as many m= lines as the offer, in its order.",
    evidence="RFC",
    clause="RFC 3264 6: an m= line for each m= line of the offer",
    link=rfc(3264, "6"),
    needs=NEEDS,
)
async def answer_has_as_many_lines(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: mine + VIDEO)
    kinds = [media.kind for media in description.media]
    bench.expect(kinds == ["audio", "video"], "audio, video", kinds)


@requirement(
    "SDP-ANSWER-04",
    level=Level.MUST,
    says="An m= line of video is answered with port 0.",
    evidence="RFC",
    clause="RFC 3264 6: a stream is rejected by port zero",
    link=rfc(3264, "6"),
    needs=NEEDS,
)
async def video_is_rejected(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: mine + VIDEO)
    ports = [media.port for media in description.media if media.kind == "video"]
    bench.expect(ports in ([], [0]), "port 0 for video", ports)


@requirement(
    "SDP-ANSWER-05",
    level=Level.MUST,
    says="The audio line of an answer has the offer's transport protocol.",
    evidence="RFC",
    clause="RFC 3264 6: the transport protocol is that of the offer",
    link=rfc(3264, "6"),
    needs=NEEDS,
)
async def protocol_is_that_of_the_offer(bench: Bench) -> None:
    _, description = await answered(bench)
    audio = audio_of(bench, description)
    bench.expect(audio.protocol == "RTP/AVP", "RTP/AVP", audio.protocol)


@requirement(
    "SDP-ANSWER-06",
    level=Level.MUST,
    says="The answer to an offer of PCMA alone takes PCMA.",
    evidence="RFC",
    clause="RFC 3264 6.1: at least one codec out of the offer",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def codec_is_out_of_the_offer(bench: Bench) -> None:
    try:
        _, description = await answered(bench, codecs=("PCMA",))
    except CallRefused as error:
        bench.fail("PCMA", error)
    formats = audio_of(bench, description).formats
    bench.expect(formats[:1] == ("8",), "format 8 first", formats)


@requirement(
    "SDP-ANSWER-07",
    level=Level.MUST,
    says="The answer to an offer of PCMU alone takes PCMU.",
    evidence="RFC",
    clause="RFC 3264 6.1: at least one codec out of the offer",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def pcmu_is_taken(bench: Bench) -> None:
    _, description = await answered(bench, codecs=("PCMU",))
    formats = audio_of(bench, description).formats
    bench.expect(formats[:1] == ("0",), "format 0 first", formats)


@requirement(
    "SDP-ANSWER-08",
    level=Level.SHOULD,
    says="Telephone events get the payload type of the offer.",
    evidence="RFC",
    clause="RFC 3264 6.1: the payload type of the offer should be used for the same codec",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def telephone_events_keep_their_number(bench: Bench) -> None:
    call, _ = await answered(bench, offer=lambda mine: mine.replace(b"101", b"96"))
    answer = await call.answered(timeout=bench.within.answer)
    bench.expect(answer.dtmf_payload_type == 96, "telephone-event as 96", answer.dtmf_payload_type)


@requirement(
    "SDP-ANSWER-09",
    level=Level.MUST,
    says="An offer to send only is answered recvonly or inactive.",
    evidence="RFC",
    clause="RFC 3264 6.1: sendonly is answered recvonly or inactive",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def sendonly_is_answered_recvonly(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: directed(mine, b"sendonly"))
    bench.expect(direction(description) in ("recvonly", "inactive"), "recvonly", direction(description))


@requirement(
    "SDP-ANSWER-10",
    level=Level.MUST,
    says="An offer to receive only is answered sendonly or inactive.",
    evidence="RFC",
    clause="RFC 3264 6.1: recvonly is answered sendonly or inactive",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def recvonly_is_answered_sendonly(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: directed(mine, b"recvonly"))
    bench.expect(direction(description) in ("sendonly", "inactive"), "sendonly", direction(description))


@requirement(
    "SDP-ANSWER-11",
    level=Level.MUST,
    says="An inactive offer is answered inactive.",
    evidence="RFC",
    clause="RFC 3264 6.1: inactive is answered inactive",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def inactive_is_answered_inactive(bench: Bench) -> None:
    _, description = await answered(bench, offer=lambda mine: directed(mine, b"inactive"))
    bench.expect(direction(description) == "inactive", "inactive", direction(description))


@requirement(
    "SDP-ANSWER-12",
    level=Level.MUST,
    says="An answer has v=, o=, s=, c= and t= in their order.",
    evidence="RFC",
    clause="RFC 8866 5 and 5.7: v=, o=, s=, t=, and c= for the session or each medium",
    link=rfc(8866, "5"),
    needs=NEEDS,
)
async def answer_has_its_lines_in_order(bench: Bench) -> None:
    _, description = await answered(bench)
    kinds = [line[0] for line in description.lines]
    head = [kind for kind in kinds[: kinds.index("m")] if kind in "vost"]
    bench.expect(head == list("vost"), "v=, o=, s=, t=", description.lines)
    connected = description.connection or all(media.connection for media in description.media)
    bench.expect(connected, "a c= line", description.lines)


@requirement(
    "SDP-ANSWER-13",
    level=Level.MUST,
    says="The t= line of an answer is that of the offer.",
    evidence="RFC",
    clause="RFC 3264 6: t= of the answer equals that of the offer",
    link=rfc(3264, "6"),
    needs=NEEDS,
)
async def time_is_that_of_the_offer(bench: Bench) -> None:
    _, description = await answered(bench)
    times = [line for line in description.lines if line.startswith("t=")]
    bench.expect(times == ["t=0 0"], "t=0 0", times)


@requirement(
    "SDP-ANSWER-14",
    level=Level.MUST,
    says="Attributes and bandwidths that nobody knows are ignored.",
    evidence="RFC",
    clause="RFC 8866 5.13: attributes that are not understood MUST be ignored",
    link=rfc(8866, "5.13"),
    needs=NEEDS,
)
async def unknown_attributes_are_ignored(bench: Bench) -> None:
    strange = b"b=X-Y:64\r\na=unheard-of\r\na=x-strange:1 2 3\r\n"
    _, description = await answered(bench, offer=lambda mine: mine + strange)
    bench.expect(audio_of(bench, description).port, "a port", description.lines)


@requirement(
    "SDP-ANSWER-15",
    level=Level.MUST,
    says="The 200 to an INVITE without SDP has an offer.",
    evidence="RFC",
    clause="RFC 3261 13.2.1: without an offer in the INVITE it is in the 2xx",
    link=rfc(3261, "13.2.1"),
    needs=NEEDS,
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


@requirement(
    "SDP-ANSWER-17",
    level=Level.OBSERVED,
    says="Telephone events are answered with the events 0-16.",
    evidence="OBS",
    clause="call capture of September 2025",
    needs=NEEDS,
)
async def events_are_0_to_16(bench: Bench) -> None:
    _, description = await answered(bench)
    events = audio_of(bench, description).attribute("fmtp")
    bench.expect(events == "101 0-16", "a=fmtp:101 0-16", events)


@requirement(
    "SDP-REFUSAL-01",
    level=Level.MUST,
    says="An offer without a codec of ours is not answered with 200.",
    evidence="RFC",
    clause="RFC 3264 6: an offer with nothing in common is not accepted",
    link=rfc(3264, "6"),
    needs=NEEDS,
)
async def hopeless_offer_is_refused(bench: Bench) -> None:
    status = await refusal(bench, (rb"RTP/AVP .*", HOPELESS))
    bench.expect(status >= 300, "a refusal", status)


@requirement(
    "SDP-REFUSAL-02",
    level=Level.SHOULD,
    says="An offer without a codec of ours is refused with 488.",
    evidence="RFC",
    clause="RFC 3261 13.3.1.3: an offer that is not acceptable gets 488",
    link=rfc(3261, "13.3.1.3"),
    needs=NEEDS,
)
async def hopeless_offer_gets_488(bench: Bench) -> None:
    status = await refusal(bench, (rb"RTP/AVP .*", HOPELESS))
    bench.expect(status == 488, "488", status)


@requirement(
    "SDP-REFUSAL-03",
    level=Level.SHOULD,
    says="An offer of video alone is refused with 488.",
    evidence="RFC",
    clause="RFC 3261 13.3.1.3: an offer that is not acceptable gets 488",
    link=rfc(3261, "13.3.1.3"),
    needs=NEEDS,
)
async def video_alone_gets_488(bench: Bench) -> None:
    status = await refusal(bench, (rb"(?s)m=audio.*", VIDEO))
    bench.expect(status == 488, "488", status)


@requirement(
    "SDP-REFUSAL-04",
    level=Level.SHOULD,
    says="An offer that can't be read is refused with 400 or 488.",
    evidence="RFC",
    clause="RFC 3261 21.4.1: a body that can't be read",
    link=rfc(3261, "21.4.1"),
    needs=NEEDS,
)
async def unreadable_offer_is_refused(bench: Bench) -> None:
    status = await refusal(bench, (rb"(?s).*", b"this is no SDP\r\n"))
    bench.expect(status in (400, 488), "400 or 488", status)


@requirement(
    "SDP-CHANGE-01",
    level=Level.MUST,
    says="The next answer of a call keeps o= and counts its version up.",
    evidence="RFC",
    clause="RFC 3264 8: the version in o= grows by one with each change",
    link=rfc(3264, "8"),
    needs=NEEDS,
)
async def version_counts_up(bench: Bench) -> None:
    call, first = await answered(bench)
    second = await reoffered(bench, call, directed(call.invite.body, b"sendonly"))
    before, after = first.origin.split(), second.origin.split()
    expected = [*before[:2], str(int(before[2]) + 1), *before[3:]] if before[2:] and before[2].isdigit() else before
    bench.expect(after == expected, f"o={' '.join(expected)}", f"o={second.origin}")


@requirement(
    "SDP-CHANGE-02",
    level=Level.MUST,
    says="A caller who holds the call receives no RTP.",
    evidence="RFC",
    clause="RFC 3264 8.4 and 6.1: a held side does not send",
    link=rfc(3264, "8.4"),
    needs=NEEDS,
)
async def held_call_is_silent(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    await reoffered(bench, call, directed(call.invite.body, b"sendonly"))
    bench.expect(await nothing_more(bench, call), "no RTP while held", "RTP")


@requirement(
    "SDP-CHANGE-03",
    level=Level.MUST,
    says="A caller who holds the call by the address 0.0.0.0 receives no RTP.",
    evidence="RFC",
    clause="RFC 3264 8.4: c=0.0.0.0 means that nothing is to be sent there",
    link=rfc(3264, "8.4"),
    needs=NEEDS,
)
async def null_address_is_silent(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    await reoffered(bench, call, re.sub(rb"c=IN IP4 \S+", b"c=IN IP4 0.0.0.0", directed(call.invite.body, b"sendrecv")))
    bench.expect(await nothing_more(bench, call), "no RTP while held", "RTP")


@requirement(
    "SDP-CHANGE-04",
    level=Level.MUST,
    says="An inactive call carries no RTP.",
    evidence="RFC",
    clause="RFC 3264 6.1: an inactive stream carries nothing",
    link=rfc(3264, "6.1"),
    needs=NEEDS,
)
async def inactive_call_is_silent(bench: Bench) -> None:
    call, _ = await answered(bench)
    await packets(bench, call, 3)
    await reoffered(bench, call, directed(call.invite.body, b"inactive"))
    bench.expect(await nothing_more(bench, call), "no RTP while inactive", "RTP")


@requirement(
    "SDP-CHANGE-05",
    level=Level.MUST,
    says="After a hold RTP flows again.",
    evidence="RFC",
    clause="RFC 3264 8.4: the hold ends with an offer to send and receive",
    link=rfc(3264, "8.4"),
    needs=NEEDS,
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


@requirement(
    "SDP-CHANGE-06",
    level=Level.MUST,
    says="After a new offer with another port RTP goes there.",
    evidence="RFC",
    clause="RFC 3264 8.3.1: media goes to the new address and port",
    link=rfc(3264, "8.3.1"),
    needs=NEEDS,
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
