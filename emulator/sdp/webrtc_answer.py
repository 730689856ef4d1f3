"""The answer to a WebRTC offer, line by line in the shape of the recorded one [OBS, FACTS 8].

What differs is what aiortc can't do: there is no `a=ice-lite` and no TCP candidate (`docs/webrtc.md`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .webrtc_offer import DEFAULT_SCTP_PORT, Section, WebRtcOffer

STREAM = "realtimeapi"  # OBS
TRACK = "audio"  # OBS
PORT = 9  # RFC 8840 4.1.1: the discard port; candidates say where we are


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCandidate:
    """An address of ours, over UDP."""

    foundation: str
    priority: int
    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTransport:
    """Our side of the one transport. `fingerprint` is of sha-256."""

    ice_ufrag: str
    ice_password: str
    fingerprint: str
    candidates: tuple[HostCandidate, ...]
    ssrc: int
    max_message_size: int


def build_answer(offer: WebRtcOffer, local: LocalTransport, *, session_id: int, now: float) -> str:
    """The whole description."""
    lines = [
        "v=0",
        f"o=- {session_id} {int(now)} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=msid-semantic:WMS *",
        f"a=fingerprint:sha-256 {local.fingerprint}",
    ]
    taken = [section.mid for section in offer.sections if section.use != "refused" and section.mid is not None]
    if offer.is_bundled:
        lines.append(f"a=group:BUNDLE {' '.join(taken)}")
    for section in offer.sections:
        match section.use:
            case "audio":
                lines += _audio(offer, section, local)
            case "data":
                lines += _data(offer, section, local)
            case _:
                lines += _refused(section)
    return "\r\n".join(lines) + "\r\n"


def _audio(offer: WebRtcOffer, section: Section, local: LocalTransport) -> Iterator[str]:
    yield f"m=audio {PORT} {section.line.protocol} {' '.join(str(each.payload_type) for each in offer.codecs)}"
    yield "c=IN IP4 0.0.0.0"
    yield from _setup(offer, section)
    yield from _ice(local)
    yield "a=rtcp-mux"
    yield "a=rtcp-rsize"
    for each in offer.codecs:
        clock = "48000/2" if each.codec == "opus" else "8000"  # RFC 7587 7: always two channels
        yield f"a=rtpmap:{each.payload_type} {each.codec}/{clock}"
        if each.parameters:
            yield f"a=fmtp:{each.payload_type} {each.parameters}"
    for attribute in (f"cname:{STREAM}", f"msid:{STREAM} {TRACK}", f"mslabel:{STREAM}", f"label:{TRACK}"):
        yield f"a=ssrc:{local.ssrc} {attribute}"
    yield f"a=msid:{STREAM} {TRACK}"
    yield f"a={offer.direction}"
    for candidate in local.candidates:
        yield (
            f"a=candidate:{candidate.foundation} 1 udp {candidate.priority} {candidate.address} {candidate.port} "
            f"typ host ufrag {local.ice_ufrag}"
        )


def _data(offer: WebRtcOffer, section: Section, local: LocalTransport) -> Iterator[str]:
    yield f"m=application {PORT} {section.line.protocol} {' '.join(section.line.formats)}"
    yield "c=IN IP4 0.0.0.0"
    yield from _setup(offer, section)
    yield "a=sendrecv"
    yield f"a=sctp-port:{DEFAULT_SCTP_PORT}"
    yield f"a=max-message-size:{local.max_message_size}"
    yield from _ice(local)


def _setup(offer: WebRtcOffer, section: Section) -> Iterator[str]:
    yield "a=setup:active" if offer.dtls_role == "client" else "a=setup:passive"
    if section.mid is not None:
        yield f"a=mid:{section.mid}"


def _ice(local: LocalTransport) -> Iterator[str]:
    yield f"a=ice-ufrag:{local.ice_ufrag}"
    yield f"a=ice-pwd:{local.ice_password}"


def _refused(section: Section) -> Iterator[str]:
    """RFC 3264 6: port 0, and the formats of the offer."""
    line = section.line
    yield f"m={line.kind} 0 {line.protocol} {' '.join(line.formats)}"
    yield "c=IN IP4 0.0.0.0"
    if section.mid is not None:
        yield f"a=mid:{section.mid}"
    yield "a=inactive"
