"""Offer and answer (RFC 3264) for one audio stream with telephone events, in the shape of the service's answers.

`negotiate` reads what the peer wants, `build_answer` says what we do. `build_offer` is for an INVITE that came without
a description; then `negotiate` reads the peer's answer just as well. `local_description` calls both builders.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import Literal, NamedTuple, TypeAlias

from ..errors import SdpError
from .crypto import Crypto, first_usable
from .description import MediaDescription, SessionDescription, read_address

Codec: TypeAlias = Literal["PCMU", "PCMA", "G722", "opus"]
Direction: TypeAlias = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Security: TypeAlias = Literal["rtp", "srtp"]
SrtpUse: TypeAlias = Literal["required", "preferred", "refused"]
"""What an offer of SRTP, or one without, meets. `preferred`: the offer decides, and where it has both it is SRTP."""

STATIC_PAYLOAD_TYPES: dict[str, Codec] = {"0": "PCMU", "8": "PCMA", "9": "G722"}  # RFC 3551 table 4: needs no rtpmap
CLOCK_RATE = 8000
COMFORT_NOISE_PAYLOAD_TYPE = 13  # RFC 3389 4
OPUS_CLOCK_RATE = 48_000  # RFC 7587 4.1
OPUS_PAYLOAD_TYPE = 96  # in our own offers
OPUS_PARAMETERS = "minptime=10;useinbandfec=1"  # as in the recorded answers to WebRTC offers [OBS]
G711: tuple[Codec, ...] = ("PCMU", "PCMA")
PTIME_MS = 20
"""What we like to receive, and what we send to a peer that has no wish."""
SENDABLE_PTIMES_MS = (10, 20, 30, 40, 50, 60)
OPUS_PTIMES_MS = (10, 20, 40, 60)  # RFC 6716 2.1.4, of those
OFFERED_EVENTS_PAYLOAD_TYPE = 101
OUR_EVENTS = "0-16"  # FACTS 5.2 [OBS]
SESSION_NAME = "OAI"  # FACTS 5.2 [OBS]

_OFFERED_PAYLOAD_TYPES: dict[Codec, int] = {
    **{codec: int(number) for number, codec in STATIC_PAYLOAD_TYPES.items()},
    "opus": OPUS_PAYLOAD_TYPE,
}
_PROTOCOLS: dict[str, Security] = {
    "RTP/AVP": "rtp",
    "RTP/AVPF": "rtp",
    "RTP/SAVP": "srtp",
    "RTP/SAVPF": "srtp",
}
_DTLS_PROTOCOLS = ("UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")
"""Keys by a handshake (RFC 5764), which is not spoken here for SIP."""
_REVERSED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}

_ENCODINGS: dict[tuple[str, int, int], Codec] = {
    ("PCMU", 8000, 1): "PCMU",
    ("PCMA", 8000, 1): "PCMA",
    ("G722", 8000, 1): "G722",  # RFC 3551 4.5.2: a mistake that stays
    ("OPUS", OPUS_CLOCK_RATE, 2): "opus",  # RFC 7587 7: always two channels
}
_USUAL_ENCODINGS = {
    "PCMU/8000": ("PCMU", 8000, 1),
    "PCMA/8000": ("PCMA", 8000, 1),
    "telephone-event/8000": ("TELEPHONE-EVENT", 8000, 1),
}
"""What `_encoding` makes of nearly all `rtpmap`s: a look-up takes a fifth of the time."""
_STATIC_ENCODINGS = {number: (codec, CLOCK_RATE, 1) for number, codec in STATIC_PAYLOAD_TYPES.items()} | {
    str(COMFORT_NOISE_PAYLOAD_TYPE): ("CN", CLOCK_RATE, 1)
}
_DIRECTIONS: dict[str, Direction] = {name: name for name in _REVERSED}


class NegotiatedAudio(NamedTuple):
    """What both sides agreed on. `direction` is ours: `recvonly` when the peer only sends (hold).

    `ptime_ms` is the packet length that the peer likes to receive; `rtcp_port` is where its RTCP goes. `media_index` is
    that of the `m=` line that was taken. `crypto` is the line of the peer that was taken, with its key; None for plain
    RTP. `own_payload_types` are those of our own offer, for sound and for events: by them a peer speaks that answered
    it, whatever its answer says.
    """

    codec: Codec
    payload_type: int
    clock_rate: int
    dtmf_payload_type: int | None
    dtmf_clock_rate: int
    ptime_ms: int
    remote_address: str
    remote_port: int
    rtcp_port: int
    direction: Direction
    media_index: int
    crypto: Crypto | None = None
    has_comfort_noise: bool = False
    own_payload_types: tuple[int, int] | None = None

    @property
    def security(self) -> Security:
        """The webhook's `sip_media_security`."""
        return "rtp" if self.crypto is None else "srtp"

    @property
    def sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


def negotiate(
    offer: SessionDescription, *, codecs: Sequence[Codec] = G711, srtp: SrtpUse = "preferred"
) -> NegotiatedAudio:
    """Take the first audio line that we can serve, and on it the codec of ours that the offerer prefers.

    A line of SRTP comes before a plain one. Works on an answer to our own offer too. Raises `SdpError`: 488 when
    nothing fits, 400 when what would fit is not usable; the message tells each audio line's reason.
    """
    reasons: list[str] = []
    plain: tuple[int, _Choice] | None = None
    for index, media in enumerate(offer.media):
        if media.kind != "audio":
            continue
        choice = _choose(media, codecs, srtp)
        if isinstance(choice, str):
            reasons.append(choice)
        elif choice.crypto is not None:
            return _negotiated(offer, index, choice)
        else:
            plain = plain or (index, choice)
    if plain is None:
        raise SdpError("; ".join(reasons) or "the description has no audio line", status=488)
    return _negotiated(offer, *plain)


def read_answer(
    answer: SessionDescription, *, codecs: Sequence[Codec] = G711, srtp: SrtpUse = "preferred"
) -> NegotiatedAudio:
    """What the peer made of our own offer. RFC 3264 6.1: its payload types SHOULD be those of the offer, so they may be
    others. Raises `SdpError` as `negotiate` does."""
    negotiated = negotiate(answer, codecs=codecs, srtp=srtp)
    ours = _OFFERED_PAYLOAD_TYPES[negotiated.codec], OFFERED_EVENTS_PAYLOAD_TYPE
    return negotiated._replace(own_payload_types=ours)


def build_answer(
    offer: SessionDescription,
    negotiated: NegotiatedAudio,
    *,
    address: str,
    port: int,
    session_id: int,
    version: int,
    crypto: Crypto | None = None,
) -> str:
    """The answer, as the service writes it (FACTS 5.2 [OBS]): its `m=` lines are the offer's, in number and order.

    `crypto` is our key, under the tag and the suite of the offer's line (RFC 4568 5.1.2).
    """
    lines = _session_lines(address, session_id, version)
    for index, media in enumerate(offer.media):
        if index != negotiated.media_index:
            # RFC 3264 6: a stream is rejected with port 0; the formats are ignored, but there has to be one.
            lines.append(f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}")
            continue
        lines += _audio_lines(
            port,
            protocol=media.protocol,
            codecs={negotiated.payload_type: negotiated.codec},
            events_payload_type=negotiated.dtmf_payload_type,
            events_clock_rate=negotiated.dtmf_clock_rate,
            has_comfort_noise=negotiated.has_comfort_noise,
            crypto=crypto,
        )
        if negotiated.direction != "sendrecv":
            lines.append(f"a={negotiated.direction}")
    return "".join(f"{line}\r\n" for line in lines)


def build_offer(
    *,
    address: str,
    port: int,
    session_id: int,
    version: int,
    codecs: Sequence[Codec] = G711,
    crypto: Crypto | None = None,
) -> str:
    """Our own offer, for the 200 to an INVITE without one (RFC 3264 5), of SRTP if `crypto` is given. The answer comes
    in the ACK."""
    lines = _session_lines(address, session_id, version)
    lines += _audio_lines(
        port,
        protocol="RTP/AVP" if crypto is None else "RTP/SAVP",
        codecs={_OFFERED_PAYLOAD_TYPES[codec]: codec for codec in codecs},
        events_payload_type=OFFERED_EVENTS_PAYLOAD_TYPE,
        crypto=crypto,
    )
    return "".join(f"{line}\r\n" for line in lines)


class _Format(NamedTuple):
    """A payload type of an audio line, and what it stands for. `name` is in upper case."""

    payload_type: int
    name: str
    rate: int
    channels: int


class _AudioLine:
    """What the attributes of an audio line say, read in one pass.

    `formats` are in the order of the `m=` line, which is the order of preference. `wishes` are the first values
    of the attributes that have one, `direction` is the last that was named.
    """

    __slots__ = ("direction", "formats", "wishes")

    def __init__(self, media: MediaDescription) -> None:
        self.direction: Direction | None = None
        self.wishes: dict[str, str] = {}
        mapped: dict[str, tuple[str, int, int]] = {}
        for name, value in media.attributes:
            if name in _DIRECTIONS:
                self.direction = _DIRECTIONS[name]
            elif value is None:
                continue
            elif name == "rtpmap":
                number, _, text = value.partition(" ")
                mapped.setdefault(number, _USUAL_ENCODINGS.get(text) or _encoding(text))
            else:
                self.wishes.setdefault(name, value)
        self.formats = [
            _Format(payload_type, *encoding)
            for number in media.formats
            if (payload_type := _number(number, 128)) < 128
            and (encoding := mapped.get(number) or _STATIC_ENCODINGS.get(number)) is not None
        ]


class _Choice(NamedTuple):
    """What one audio line leads to."""

    line: _AudioLine
    payload_type: int
    codec: Codec
    crypto: Crypto | None


def _negotiated(offer: SessionDescription, index: int, choice: _Choice) -> NegotiatedAudio:
    media, line = offer.media[index], choice.line
    clock_rate = OPUS_CLOCK_RATE if choice.codec == "opus" else CLOCK_RATE
    events_type, events_rate = _telephone_events(line, clock_rate)
    return NegotiatedAudio(
        codec=choice.codec,
        payload_type=choice.payload_type,
        clock_rate=clock_rate,
        dtmf_payload_type=events_type,
        dtmf_clock_rate=events_rate,
        ptime_ms=_ptime(line, OPUS_PTIMES_MS if choice.codec == "opus" else SENDABLE_PTIMES_MS),
        remote_address=_remote_address(media),
        remote_port=media.port,
        rtcp_port=_rtcp_port(line, media.port),
        direction=_REVERSED[_offered_direction(offer, media, line)],
        media_index=index,
        crypto=choice.crypto,
        has_comfort_noise=(COMFORT_NOISE_PAYLOAD_TYPE, "CN", clock_rate) in [each[:3] for each in line.formats],
    )


def _choose(media: MediaDescription, codecs: Sequence[Codec], srtp: SrtpUse) -> _Choice | str:
    """The choice, or the reason why there is none."""
    line = f"'m=audio {media.port} {media.protocol} {' '.join(media.formats)}'"
    if media.port == 0:
        return f"{line} is disabled by its port"
    if media.protocol in _DTLS_PROTOCOLS:
        return f"{line} wants DTLS-SRTP, here keys come by a=crypto (RFC 4568)"
    security = _PROTOCOLS.get(media.protocol)
    if security is None:
        return f"{line} is not RTP"
    crypto = None
    if security == "srtp":
        crypto = first_usable(media)
        if srtp == "refused":
            return f"{line} wants SRTP, only plain RTP is spoken here"
        if crypto is None:
            return f"{line} has no a=crypto with a suite and a key that we know"
    elif srtp == "required":
        return f"{line} is plain RTP, only SRTP is spoken here"
    read = _AudioLine(media)
    for payload_type, name, rate, channels in read.formats:
        codec = _ENCODINGS.get((name, rate, channels))
        if codec in codecs and codec is not None:
            return _Choice(read, payload_type, codec, crypto)
    return f"{line} has none of {', '.join(codecs)}"


def _encoding(text: str) -> tuple[str, int, int]:
    """NAME, clock rate and channels of an `rtpmap`."""
    name, _, rest = text.strip().partition("/")
    rate, _, channels = rest.partition("/")
    return name.upper(), _number(rate, 0), _number(channels, 1)


def _telephone_events(line: _AudioLine, clock_rate: int) -> tuple[int | None, int]:
    """Payload type and clock rate. RFC 4733 2.4.1: a type for each clock rate in use; telephones that have Opus
    and only know the 8000 of G.711 are understood too."""
    offered = [each for each in line.formats if each.name == "TELEPHONE-EVENT"]
    for wanted in (clock_rate, CLOCK_RATE):
        for payload_type, _, rate, _ in offered:
            if rate == wanted:
                return payload_type, rate
    return None, clock_rate


def _ptime(line: _AudioLine, sendable: Sequence[int]) -> int:
    """RFC 8866 6.4: ptime is a wish of the receiver. One that we can't send gets 20 ms, or what `maxptime` leaves."""
    wish = _number(line.wishes.get("ptime", "").partition(".")[0], 0)  # "20.0" has been seen
    limit = _number(line.wishes.get("maxptime", "").partition(".")[0], 0) or max(SENDABLE_PTIMES_MS)
    if wish not in SENDABLE_PTIMES_MS:
        wish = PTIME_MS
    if wish in sendable and wish <= limit:
        return wish
    return max((ptime for ptime in sendable if ptime <= min(wish, limit)), default=sendable[0])


def _remote_address(media: MediaDescription) -> str:
    if media.connection is None:
        raise SdpError(f"'m=audio {media.port}' has no c= line, nor has the session")
    try:
        return str(read_address(media.connection.address))
    except ValueError:
        # A name would have to be looked up for each packet's sake; no telephone was seen to write one [CHOICE].
        raise SdpError(f"c= names {media.connection.address!r}: an IP address is expected", status=488) from None


def _rtcp_port(line: _AudioLine, rtp_port: int) -> int:
    port = _number(line.wishes.get("rtcp", "").partition(" ")[0], 0)  # RFC 3605
    return port if 0 < port <= 65535 else min(rtp_port + 1, 65535)


def _offered_direction(offer: SessionDescription, media: MediaDescription, line: _AudioLine) -> Direction:
    """The media's direction, else the session's, else sendrecv (RFC 8866 6.7); c=0.0.0.0 takes the receiving half."""
    direction = line.direction
    if direction is None:
        named = [_DIRECTIONS[name] for name, _ in offer.attributes if name in _DIRECTIONS]
        direction = named[-1] if named else "sendrecv"
    if media.connection is not None and media.connection.is_null:
        return "sendonly" if direction in ("sendrecv", "sendonly") else "inactive"
    return direction


def _session_lines(address: str, session_id: int, version: int) -> list[str]:
    kind = "IP6" if isinstance(read_address(address), IPv6Address) else "IP4"
    return [
        "v=0",
        f"o=- {session_id} {version} IN {kind} {address}",
        f"s={SESSION_NAME}",
        f"c=IN {kind} {address}",
        "t=0 0",
    ]


def _audio_lines(
    port: int,
    *,
    protocol: str,
    codecs: dict[int, Codec],
    events_payload_type: int | None,
    crypto: Crypto | None,
    events_clock_rate: int = CLOCK_RATE,
    has_comfort_noise: bool = False,
) -> list[str]:
    events = [] if events_payload_type is None else [events_payload_type]
    noise = [COMFORT_NOISE_PAYLOAD_TYPE] if has_comfort_noise else []
    lines = [f"m=audio {port} {protocol} {' '.join(map(str, [*codecs, *noise, *events]))}"]
    for number in events:
        lines += [f"a=rtpmap:{number} telephone-event/{events_clock_rate}", f"a=fmtp:{number} {OUR_EVENTS}"]
    lines.append(f"a=ptime:{PTIME_MS}")
    for number, codec in codecs.items():
        if codec == "opus":
            lines += [f"a=rtpmap:{number} opus/{OPUS_CLOCK_RATE}/2", f"a=fmtp:{number} {OPUS_PARAMETERS}"]
        else:
            lines.append(f"a=rtpmap:{number} {codec}/{CLOCK_RATE}")
    lines += [f"a=rtpmap:{number} CN/{CLOCK_RATE}" for number in noise]
    return lines if crypto is None else [*lines, crypto.line()]


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else default
