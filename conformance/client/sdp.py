"""SDP offers and answers of the reference client (RFC 4566, RFC 3264): one audio line with telephone events."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .codecs import FORMATS, CodecName
from .errors import ProtocolViolation
from .srtp import Crypto

DTMF_PAYLOAD_TYPE = 101
STATIC = 96  # RFC 3551 6: below it a number says the codec


def build_offer(
    *,
    address: str,
    port: int,
    codecs: Sequence[CodecName] = ("PCMU", "PCMA"),
    has_dtmf: bool = True,
    session_id: int,
    version: int = 1,
    direction: str = "sendrecv",
    extra: Sequence[str] = (),
    crypto: Sequence[Crypto] = (),
) -> bytes:
    """An offer of one audio stream, of SRTP with `crypto`; `extra` lines go to the end of its section."""
    family = "IP6" if ":" in address else "IP4"
    # RFC 4733 2.4.1: a payload type of events for each clock rate
    clocks = list(dict.fromkeys(FORMATS[each].clock_rate for each in codecs)) if has_dtmf else []
    events = dict(enumerate(clocks, start=DTMF_PAYLOAD_TYPE))
    formats = [*(FORMATS[each].payload_type for each in codecs), *events]
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN {family} {address}",
        "s=ringback",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} {'RTP/SAVP' if crypto else 'RTP/AVP'} {' '.join(map(str, formats))}",
        *(f"a=rtpmap:{FORMATS[each].payload_type} {FORMATS[each].encoding}" for each in codecs),
    ]
    for number, clock_rate in events.items():
        lines += [f"a=rtpmap:{number} telephone-event/{clock_rate}", f"a=fmtp:{number} 0-16"]
    lines += ["a=ptime:20", f"a={direction}", *(each.line() for each in crypto), *extra]
    return "".join(f"{line}\r\n" for line in lines).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLine:
    """One m= section as it was written."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    connection: str | None
    attributes: tuple[str, ...]

    def attribute(self, name: str) -> str | None:
        """The value of the first `a=name:value`, empty for a flag, None where it is missing."""
        for line in self.attributes:
            key, _, value = line.partition(":")
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A session description, read as far as a phone needs it; `lines` is all of it."""

    lines: tuple[str, ...]
    origin: str
    connection: str | None
    attributes: tuple[str, ...]
    media: tuple[MediaLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioAnswer:
    """What the far end chose: where to send, in which codec, and how to read what it sends."""

    address: str
    port: int
    codec: CodecName
    payload_type: int
    codecs: dict[int, CodecName]
    """By payload type: ours, which they should use, and theirs."""
    dtmf_payload_type: int | None
    ptime_ms: int
    direction: str
    crypto: Crypto | None = None
    """The far end's key, where the sound is SRTP."""


def parse(text: bytes) -> Description:
    """Raises `ProtocolViolation` naming the line that can't be read."""
    try:
        lines = tuple(line for line in text.decode().replace("\r\n", "\n").split("\n") if line)
    except UnicodeDecodeError as error:
        raise ProtocolViolation(f"an SDP that is not UTF-8: {text[:60]!r}") from error
    if not lines or lines[0] != "v=0":
        raise ProtocolViolation(f"an SDP must begin with v=0, not {text[:60]!r}")
    sections: list[list[str]] = [[]]
    for line in lines:
        if re.match(r"[a-z]=", line) is None:
            raise ProtocolViolation(f"not a line of an SDP: {line!r}")
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    head, *media = sections
    return Description(
        lines=lines,
        origin=next((line[2:] for line in head if line.startswith("o=")), ""),
        connection=_connection(head),
        attributes=tuple(line[2:] for line in head if line.startswith("a=")),
        media=tuple(_media_line(section) for section in media),
    )


def read_answer(body: bytes, offered: Sequence[CodecName]) -> AudioAnswer:
    """The audio of an answer. Raises `ProtocolViolation` when it chose nothing that was offered, or says no address."""
    description = parse(body)
    audio = next((line for line in description.media if line.kind == "audio"), None)
    if audio is None or audio.port == 0:
        raise ProtocolViolation("the SDP answer has no audio: " + " | ".join(description.lines))
    address = audio.connection or description.connection
    if address is None:
        raise ProtocolViolation("the SDP answer has no c= line: " + " | ".join(description.lines))
    names = _names(audio)
    codecs: dict[int, CodecName] = {}
    for number in audio.formats:
        for codec in offered:
            if number.isdigit() and names.get(int(number)) == (codec.upper(), FORMATS[codec].clock_rate):
                codecs[int(number)] = codec
    if not codecs:
        raise ProtocolViolation(f"the SDP answer chose {audio.formats}, but {', '.join(offered)} was offered")
    payload_type, codec = next(iter(codecs.items()))
    listed = {int(number) for number in audio.formats if number.isdigit()}
    wanted = ("TELEPHONE-EVENT", FORMATS[codec].clock_rate)
    events = [number for number, name in names.items() if name == wanted and number in listed]
    ptime = audio.attribute("ptime") or ""
    crypto = audio.attribute("crypto")
    return AudioAnswer(
        address=address,
        port=audio.port,
        codec=codec,
        payload_type=payload_type,
        codecs={FORMATS[each].payload_type: each for each in codecs.values()} | codecs,
        dtmf_payload_type=events[0] if events else None,
        ptime_ms=int(ptime) if ptime.isdigit() else 20,
        direction=_direction(audio, description),
        crypto=None if crypto is None or "SAVP" not in audio.protocol else Crypto.parse(crypto),
    )


def _direction(audio: MediaLine, description: Description) -> str:
    for attributes in (audio.attributes, description.attributes):
        for name in ("sendrecv", "sendonly", "recvonly", "inactive"):
            if name in attributes:
                return name
    return "sendrecv"  # RFC 4566 6


def _names(audio: MediaLine) -> dict[int, tuple[str, int]]:
    names: dict[int, tuple[str, int]] = {}
    for codec, known in FORMATS.items():
        if known.payload_type < STATIC:
            names[known.payload_type] = (codec.upper(), known.clock_rate)
    for line in audio.attributes:
        found = re.match(r"rtpmap:(\d+) ([^/\s]+)/(\d+)", line)
        if found is not None:
            names[int(found[1])] = (found[2].upper(), int(found[3]))
    return names


def _connection(section: Sequence[str]) -> str | None:
    for line in section:
        if line.startswith("c="):
            parts = line[2:].split()
            if len(parts) != 3:
                raise ProtocolViolation(f"not a connection line of an SDP: {line!r}")
            return parts[2].split("/")[0]
    return None


def _media_line(section: Sequence[str]) -> MediaLine:
    found = re.match(r"m=(\S+) (\d{1,5})(?:/\d+)? (\S+)((?: \S+)*)\s*\Z", section[0])
    if found is None or int(found[2]) > 65535:
        raise ProtocolViolation(f"not a media line of an SDP: {section[0]!r}")
    return MediaLine(
        kind=found[1],
        port=int(found[2]),
        protocol=found[3],
        formats=tuple(found[4].split()),
        connection=_connection(section),
        attributes=tuple(line[2:] for line in section if line.startswith("a=")),
    )
