"""Two answers to the same offer, line by line: what is random or an address counts by its form only."""

import difflib
import re
from collections.abc import Iterable

PLACES: tuple[tuple[str, str], ...] = (
    (r"o=- \d+ \d+ ", "o=- <number> <time> "),
    (r"(a=fingerprint:sha-256) [0-9A-F:]{95}$", r"\1 <fingerprint>"),
    (r"a=ice-ufrag:\S+", "a=ice-ufrag:<fragment>"),
    (r"a=ice-pwd:\S{22,}", "a=ice-pwd:<password>"),
    (r"a=ssrc:\d+ ", "a=ssrc:<number> "),
    (r"a=candidate:\S+ 1 (udp|tcp) \d+ \S+ \d+ ", r"a=candidate:<one> 1 \1 <priority> <address> <port> "),
    (r" ufrag \S+", " ufrag <fragment>"),
)

KNOWN: dict[str, str] = {
    "- a=ice-lite": "aiortc is no ICE lite agent, so the answer must not say so",
    "- a=candidate:<one> 1 tcp <priority> <address> <port> typ host tcptype passive ufrag <fragment>": (
        "aiortc has no ICE over TCP"
    ),
    "- a=max-message-size:1073741823": "nobody needs a message of 1 GiB, and the emulator would have to keep it",
    "+ a=max-message-size:262144": "what browsers say of themselves",
}
"""Differences that are meant, as `differences` writes them, with the reason of each."""


def form_of(sdp: str) -> list[str]:
    """The lines, with placeholders for what is random, an address or a port, candidates of one form as one. Raises
    `ValueError` without CRLF."""
    if not sdp.endswith("\r\n") or sdp.count("\n") != sdp.count("\r\n"):
        raise ValueError("lines of an SDP end with CRLF")
    lines = [_form(line) for line in sdp.split("\r\n")[:-1]]
    is_again = [line.startswith("a=candidate:") and line in lines[:place] for place, line in enumerate(lines)]
    return [line for line, again in zip(lines, is_again, strict=True) if not again]


def differences(recorded: str, ours: str) -> list[str]:
    """Lines that only the recorded answer has (`- …`) or only ours (`+ …`), in their order."""
    delta: Iterable[str] = difflib.ndiff(form_of(recorded), form_of(ours))
    return [line for line in delta if line.startswith(("- ", "+ "))]


def _form(line: str) -> str:
    for pattern, place in PLACES:
        line = re.sub(pattern, place, line)
    return line
