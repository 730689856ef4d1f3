"""The SDP that answers a WebRTC offer."""

import re
from collections.abc import Iterator
from functools import partial

from ..bench import SESSION, Bench, describe
from ..client import sdp
from ..requirement import Level, requirement
from ..sources import rfc

NEEDS = {"rest", "webrtc"}
RECORDED = "recorded answer of the service, July 2026"
FINGERPRINT = re.compile(r"fingerprint:sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}\Z")

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)


async def exchanged(bench: Bench, **options: bool) -> tuple[sdp.Description, sdp.Description]:
    """An offer and its answer, both read."""
    _, offer = await bench.offer(**options)
    answer = await bench.post(offer, SESSION)
    bench.expect(answer.status == 201, "201 to the offer", describe(answer))
    return sdp.parse(offer.encode()), sdp.parse(answer.body)


def section(bench: Bench, description: sdp.Description, kind: str) -> sdp.MediaLine:
    found = next((line for line in description.media if line.kind == kind), None)
    if found is None or found.port == 0:
        bench.fail(f"a section of {kind}", " | ".join(description.lines))
    return found


def rtpmaps(line: sdp.MediaLine) -> dict[str, str]:
    """Codec names in lower case, by payload type."""
    found = (re.match(r"rtpmap:(\d+) ([^/]+)", each) for each in line.attributes)
    return {each[1]: each[2].lower() for each in found if each is not None}


def attribute_of(description: sdp.Description, line: sdp.MediaLine, name: str) -> str | None:
    """An attribute of a section, or that of the whole description."""
    found = line.attribute(name)
    if found is None:
        values = (each.partition(":") for each in description.attributes)
        found = next((value for key, _, value in values if key == name), None)
    return found


def taken(description: sdp.Description) -> Iterator[sdp.MediaLine]:
    return (line for line in description.media if line.port != 0)


@by_rfc(
    "WEBRTC-ANSWER-01",
    says="The answer has the offer's sections, in its order and with its mids.",
    clause="RFC 3264 6: an m= line for each of the offer; RFC 8829 5.3.1: the same mid",
)
async def sections_are_those_of_the_offer(bench: Bench) -> None:
    offer, answer = await exchanged(bench)
    wanted = [(line.kind, line.attribute("mid")) for line in offer.media]
    found = [(line.kind, line.attribute("mid")) for line in answer.media]
    bench.expect(found == wanted, str(wanted), found)


@by_rfc(
    "WEBRTC-ANSWER-02",
    says="An offer without a data channel is answered without one.",
    clause="RFC 3264 6: as many m= lines as the offer",
)
async def nothing_is_added(bench: Bench) -> None:
    _, answer = await exchanged(bench, has_events=False)
    bench.expect([line.kind for line in answer.media] == ["audio"], "audio alone", " | ".join(answer.lines))


@by_rfc(
    "WEBRTC-ANSWER-03",
    says="Every codec of the answer is one that was offered with that payload type.",
    clause="RFC 8829 5.3.1: media formats that are in the offer",
)
async def codecs_were_offered(bench: Bench) -> None:
    offer, answer = await exchanged(bench)
    offered, chosen = rtpmaps(section(bench, offer, "audio")), section(bench, answer, "audio")
    names = {"0": "pcmu", "8": "pcma", **rtpmaps(chosen)}  # RFC 3551 6: these need no rtpmap
    strange = [number for number in chosen.formats if offered.get(number) != names.get(number)]
    bench.expect(chosen.formats and not strange, f"codecs of {offered}", f"{chosen.formats} {chosen.attributes}")


@observed("WEBRTC-ANSWER-04", says="Opus, PCMU and PCMA are taken, in the order of the offer, and no other codec.")
async def codecs_have_their_order(bench: Bench) -> None:
    offer, answer = await exchanged(bench)
    line = section(bench, offer, "audio")
    wanted = [each for each in line.formats if rtpmaps(line).get(each) in ("opus", "pcmu", "pcma")]
    found = list(section(bench, answer, "audio").formats)
    bench.expect(found == wanted, str(wanted), found)


@by_rfc(
    "WEBRTC-ANSWER-05",
    says="Every section says setup:active or setup:passive.",
    clause="RFC 8842 5.3: an answer to actpass is active or passive",
)
async def setup_is_decided(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    found = [attribute_of(answer, line, "setup") for line in taken(answer)]
    bench.expect(found and set(found) <= {"active", "passive"}, "active or passive", found)


@observed("WEBRTC-ANSWER-06", says="The far end begins DTLS: setup:active.")
async def far_end_is_active(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    found = attribute_of(answer, section(bench, answer, "audio"), "setup")
    bench.expect(found == "active", "active", found)


@by_rfc(
    "WEBRTC-ANSWER-07",
    says="The fingerprint of the far end's certificate is there, by SHA-256.",
    clause="RFC 8827 6.5: fingerprint attributes are needed; RFC 8122 5",
)
async def fingerprint_is_there(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    for line in taken(answer):
        fitting = [each for each in (*answer.attributes, *line.attributes) if FINGERPRINT.match(each)]
        bench.expect(fitting, f"a=fingerprint:sha-256 for {line.kind}", " | ".join(answer.lines))


@by_rfc(
    "WEBRTC-ANSWER-08",
    says="User fragment and password of ICE are there, and long enough.",
    clause="RFC 8839 5.4: at least 4 and 22 characters",
)
async def ice_credentials_are_there(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    for line in taken(answer):
        ufrag, password = (attribute_of(answer, line, f"ice-{name}") or "" for name in ("ufrag", "pwd"))
        bench.expect(len(ufrag) >= 4 and len(password) >= 22, "4 and 22 characters at least", (ufrag, password))


@by_rfc(
    "WEBRTC-ANSWER-09",
    says="What the offer bundles is bundled: one transport for all.",
    clause="RFC 8834 4.5: BUNDLE has to be supported; RFC 9143 7.3",
    link=rfc(9143, "7.3"),
)
async def sections_are_bundled(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    found = next((each for each in answer.attributes if each.startswith("group:BUNDLE")), "")
    mids = [line.attribute("mid") for line in answer.media]
    bench.expect(found.split()[1:] == mids, f"group:BUNDLE of {mids}", found or answer.attributes)


@by_rfc(
    "WEBRTC-ANSWER-10",
    says="RTP and RTCP share one port, as offered.",
    clause="RFC 8834 4.5: rtcp-mux has to be supported; RFC 5761 5.1.1",
    link=rfc(5761, "5.1.1"),
)
async def rtcp_is_multiplexed(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    line = section(bench, answer, "audio")
    bench.expect("rtcp-mux" in line.attributes, "a=rtcp-mux", line.attributes)


@by_rfc("WEBRTC-ANSWER-11", says="The data channel's section names its SCTP port.", clause="RFC 8841 5.1: a=sctp-port")
async def sctp_port_is_there(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    found = section(bench, answer, "application").attribute("sctp-port")
    bench.expect((found or "").isdigit(), "a=sctp-port", found)


@by_rfc(
    "WEBRTC-ANSWER-12",
    says="Every line of the answer ends with CRLF, the last one too.",
    clause="RFC 8866 5: CRLF is used to end a line",
)
async def lines_end_with_crlf(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await bench.post(offer, SESSION)
    bench.expect(answer.status == 201, "201 to the offer", describe(answer))
    lines = answer.body.split(b"\r\n")
    whole = lines[-1] == b"" and not any(b"\n" in line or b"\r" in line for line in lines)
    bench.expect(whole, "CRLF behind each line", answer.body[-60:])


@observed("WEBRTC-ANSWER-13", says="The audio is announced by ssrc lines, of cname and stream realtimeapi.")
async def audio_has_its_ssrc(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    line = section(bench, answer, "audio")
    found = [each.partition(" ")[2] for each in line.attributes if each.startswith("ssrc:")]
    bench.expect({"cname:realtimeapi", "msid:realtimeapi audio"} <= set(found), "cname, msid", line.attributes)


@observed("WEBRTC-ANSWER-14", says="The candidates are hosts, over UDP at least.")
async def candidates_are_hosts(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    found = [each.split() for line in answer.media for each in line.attributes if each.startswith("candidate:")]
    bench.expect(any(each[2].lower() == "udp" for each in found), "a candidate over UDP", found)
    bench.expect(all(each[6:8] == ["typ", "host"] for each in found), "host candidates", found)


@observed("WEBRTC-ANSWER-15", says="The audio flows both ways: sendrecv.")
async def audio_flows_both_ways(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    found = section(bench, answer, "audio").attributes
    bench.expect("sendrecv" in found, "a=sendrecv", found)


@requirement(
    "WEBRTC-ANSWER-16",
    level=Level.CHOICE,
    says="The answer is an ICE lite one.",
    evidence="CHOICE",
    clause=f"{RECORDED}: a=ice-lite, where others answer with full ICE",
    needs=NEEDS,
)
async def ice_is_lite(bench: Bench) -> None:
    _, answer = await exchanged(bench)
    bench.note("lite" if "ice-lite" in answer.attributes else "full")
