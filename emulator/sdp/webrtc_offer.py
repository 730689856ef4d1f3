"""What a browser, or whoever speaks WebRTC, offers (RFC 8829): read for what an answer needs, refused by its reason.

`parse_offer` reads, `webrtc_answer.build_answer` says what we do. One audio stream and one data channel are taken;
every other section is refused by its port. All sections that are taken share one transport (BUNDLE, RFC 9143).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..errors import SdpError
from .description import MediaDescription, SessionDescription, parse
from .offer_answer import Direction

WebRtcCodec: TypeAlias = Literal["opus", "PCMU", "PCMA"]
DtlsRole: TypeAlias = Literal["client", "server"]

AUDIO_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
DATA_PROTOCOLS = ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")  # RFC 8841 4.1
DATA_FORMAT = "webrtc-datachannel"
DEFAULT_SCTP_PORT = 5000  # RFC 8841 5.1 asks for the attribute; old libraries leave it out
DEFAULT_MAX_MESSAGE_SIZE = 65536  # RFC 8841 6.1
_ENCODINGS: dict[tuple[str, str], WebRtcCodec] = {
    ("opus", "48000"): "opus",
    ("pcmu", "8000"): "PCMU",
    ("pcma", "8000"): "PCMA",
}
_STATIC: dict[str, WebRtcCodec] = {"0": "PCMU", "8": "PCMA"}  # RFC 3551 table 4
_HASHES = ("sha-256", "sha-384", "sha-512")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31,63}\Z")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}\Z")  # RFC 8839 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}\Z")  # RFC 8839 5.4
_ROLES: dict[str, DtlsRole] = {"actpass": "client", "passive": "client", "active": "server"}
"""Our DTLS role by the offer's `setup`: active whenever we may, as recorded [OBS]."""
_DIRECTIONS: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
"""Ours by theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedCodec:
    """A codec that both sides have, with the payload type of the offer. `parameters` is what the answer's fmtp says."""

    codec: WebRtcCodec
    payload_type: int
    parameters: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One `m=` line, to be answered in its place."""

    line: MediaDescription
    mid: str | None
    use: Literal["audio", "data", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChannelOffer:
    """Where the peer's SCTP is, and the largest message that it takes; 0 is any size."""

    sctp_port: int
    max_message_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRtcOffer:
    """All that an answer and a peer connection need. `direction` and `dtls_role` are ours."""

    sections: tuple[Section, ...]
    is_bundled: bool
    codecs: tuple[AgreedCodec, ...]
    direction: Direction
    dtls_role: DtlsRole
    ice_ufrag: str
    ice_password: str
    fingerprints: tuple[tuple[str, str], ...]
    """Hash and value of the peer's certificate."""
    data: DataChannelOffer | None


def parse_offer(text: str, *, needs_final_newline: bool = True) -> WebRtcOffer:
    """Read an offer. Raises `SdpError` with what is wrong with it.

    `needs_final_newline`: an offer whose last line was cut off at its end is refused, as the service was seen to do
    with text that somebody had trimmed [OBS, of the Live API].
    """
    if needs_final_newline and not text.endswith("\n"):
        raise SdpError("the last line of the SDP does not end: each line needs its CRLF, the last one too")
    offer = parse(text)
    bundle = _bundle_of(offer)
    audio = next((line for line in offer.media if _is_audio(line)), None)
    if audio is None:
        raise SdpError("the offer has no audio section (m=audio … UDP/TLS/RTP/SAVPF)")
    codecs = tuple(_codecs_of(audio))
    if not codecs:
        raise SdpError("the offer's audio has none of our codecs: opus/48000/2, PCMU/8000, PCMA/8000")
    if "rtcp-mux" not in (name for name, _ in audio.attributes):
        raise SdpError("the offer's audio lacks a=rtcp-mux: RTP and RTCP share a port here")  # RFC 8829 5.1.1
    data = next((line for line in offer.media if _is_data(line) and _shares(line, audio, bundle)), None)
    near = _nearest(offer, audio, bundle)
    return WebRtcOffer(
        sections=tuple(
            Section(
                line=line,
                mid=line.attribute("mid"),
                use="audio" if line is audio else "data" if line is data else "refused",
            )
            for line in offer.media
        ),
        is_bundled=audio.attribute("mid") in bundle,
        codecs=codecs,
        direction=_direction(offer, audio),
        dtls_role=_role(_one(near, "setup") or "actpass"),
        ice_ufrag=_matching(_UFRAG, _one(near, "ice-ufrag"), "ice-ufrag"),
        ice_password=_matching(_PASSWORD, _one(near, "ice-pwd"), "ice-pwd"),
        fingerprints=_fingerprints(near),
        data=None if data is None else _data_offer(data),
    )


# Private


def _is_audio(line: MediaDescription) -> bool:
    return line.kind == "audio" and line.protocol in AUDIO_PROTOCOLS and _is_offered(line)


def _is_data(line: MediaDescription) -> bool:
    is_data = line.kind == "application" and line.protocol in DATA_PROTOCOLS
    return is_data and line.formats[0] == DATA_FORMAT and _is_offered(line)


def _is_offered(line: MediaDescription) -> bool:
    """A section with port 0 is not, unless it only waits for its bundle (RFC 9143 6)."""
    return line.port != 0 or any(name == "bundle-only" for name, _ in line.attributes)


def _bundle_of(offer: SessionDescription) -> tuple[str, ...]:
    """The mids of the first `a=group:BUNDLE`."""
    for name, value in offer.attributes:
        if name == "group" and value is not None and value.split()[:1] == ["BUNDLE"]:
            return tuple(value.split()[1:])
    return ()


def _shares(line: MediaDescription, audio: MediaDescription, bundle: tuple[str, ...]) -> bool:
    return line.attribute("mid") in bundle and audio.attribute("mid") in bundle


def _codecs_of(audio: MediaDescription) -> Iterator[AgreedCodec]:
    """Ours among the offered ones, in the offer's order."""
    names = dict(pair for value in audio.attributes_named("rtpmap") if (pair := _rtpmap(value)) is not None)
    for text in audio.formats:
        codec = _ENCODINGS.get(names[text]) if text in names else _STATIC.get(text)
        if codec is not None and text.isascii() and text.isdecimal() and int(text) < 128:
            parameters = "minptime=10;useinbandfec=1" if codec == "opus" else ""  # as recorded [OBS]
            yield AgreedCodec(codec=codec, payload_type=int(text), parameters=parameters)


def _rtpmap(value: str) -> tuple[str, tuple[str, str]] | None:
    payload_type, _, encoding = value.partition(" ")
    parts = encoding.strip().split("/")
    return None if len(parts) < 2 else (payload_type, (parts[0].lower(), parts[1]))


def _nearest(
    offer: SessionDescription, audio: MediaDescription, bundle: tuple[str, ...]
) -> tuple[tuple[tuple[str, str | None], ...], ...]:
    """Where transport attributes may stand: at the audio, for the session, or at another section of its bundle."""
    others = (line.attributes for line in offer.media if line is not audio and _shares(line, audio, bundle))
    return audio.attributes, offer.attributes, *others


def _values(near: Iterable[tuple[tuple[str, str | None], ...]], name: str) -> list[str]:
    for attributes in near:
        found = [value for key, value in attributes if key == name and value]
        if found:
            return found
    return []


def _one(near: Iterable[tuple[tuple[str, str | None], ...]], name: str) -> str | None:
    return next(iter(_values(near, name)), None)


def _matching(pattern: re.Pattern[str], value: str | None, name: str) -> str:
    if value is None or pattern.match(value) is None:
        raise SdpError(f"the offer's audio needs a=ice-ufrag and a=ice-pwd of RFC 8839: {name} is {value!r}")
    return value


def _fingerprints(near: Iterable[tuple[tuple[str, str | None], ...]]) -> tuple[tuple[str, str], ...]:
    found = []
    for text in _values(near, "fingerprint"):
        algorithm, _, value = text.partition(" ")
        if algorithm.lower() in _HASHES and _FINGERPRINT.match(value.strip()):
            found.append((algorithm.lower(), value.strip().upper()))
    if not found:
        raise SdpError(f"the offer needs a=fingerprint with one of {', '.join(_HASHES)}")
    return tuple(found)


def _role(setup: str) -> DtlsRole:
    role = _ROLES.get(setup.lower())
    if role is None:
        raise SdpError(f"the offer's a=setup is {setup[:20]!r}: actpass, active or passive are possible")
    return role


def _direction(offer: SessionDescription, audio: MediaDescription) -> Direction:
    for attributes in (audio.attributes, offer.attributes):
        for name, _ in attributes:
            if name in _DIRECTIONS:
                return _DIRECTIONS[name]
    return "sendrecv"


def _data_offer(line: MediaDescription) -> DataChannelOffer:
    return DataChannelOffer(
        sctp_port=_number(line.attribute("sctp-port"), DEFAULT_SCTP_PORT, 65535),
        max_message_size=_number(line.attribute("max-message-size"), DEFAULT_MAX_MESSAGE_SIZE, 1 << 63),
    )


def _number(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise SdpError(f"the offer's data channel section has the number {text[:20]!r}")
    return int(text)
