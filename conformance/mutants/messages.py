"""SIP messages as bytes, for faults that change one thing in them and leave every other byte alone."""

import re
from collections.abc import Callable, Sequence
from typing import Any

HEAD_END = b"\r\n\r\n"


def is_request(message: bytes, *methods: str) -> bool:
    """Whether it is a request, with one of the methods if any is given."""
    method, _, rest = message.partition(b" ")
    return not message.startswith(b"SIP/2.0 ") and b"SIP/2.0" in rest and (not methods or method.decode() in methods)


def status_of(message: bytes, *methods: str) -> int | None:
    """The status of a response, to a request of one of the methods if any is given; else None."""
    if not message.startswith(b"SIP/2.0 "):
        return None
    if methods and value(message, "CSeq").rpartition(" ")[2] not in methods:
        return None
    return int(message[8:11])


def value(message: bytes, name: str) -> str:
    """The first value of a header, empty where there is none."""
    found = _field(name).search(message, 0, message.find(HEAD_END) + 2)
    return "" if found is None else found[2].decode("utf-8", "surrogateescape")


def with_value(message: bytes, name: str, new: str) -> bytes:
    """The same with another first value of a header that it has."""
    return _replace_first(message, name, lambda old: old[1] + new.encode("utf-8", "surrogateescape") + b"\r\n")


def without(message: bytes, name: str) -> bytes:
    """The same without the first header of that name."""
    return _replace_first(message, name, lambda old: b"")


def with_header(message: bytes, name: str, new: str) -> bytes:
    """The same with one more header at the end."""
    head, end, body = message.partition(HEAD_END)
    return head + f"\r\n{name}: {new}".encode() + end + body


def with_status(message: bytes, status: int, reason: str) -> bytes:
    """The same response with another status."""
    return f"SIP/2.0 {status} {reason}".encode() + message[message.find(b"\r\n") :]


def with_method(message: bytes, method: str, *, sequence: int | None = None) -> bytes:
    """The same request with another method, and with another number in CSeq if one is given."""
    number = value(message, "CSeq").partition(" ")[0] if sequence is None else str(sequence)
    renamed = method.encode() + message[message.find(b" ") :]
    return with_value(renamed, "CSeq", f"{number} {method}")


def with_tag(message: bytes, name: str, tag: str) -> bytes:
    """The same with another tag in From or To."""
    return with_value(message, name, re.sub(r";tag=[^;>\s]+", f";tag={tag}" if tag else "", value(message, name)))


def with_body(message: bytes, body: bytes) -> bytes:
    """The same with another body, and the Content-Length of it."""
    head, end, _ = message.partition(HEAD_END)
    return with_value(head + end, "Content-Length", str(len(body))) + body


def body_of(message: bytes) -> bytes:
    return message.partition(HEAD_END)[2]


def is_over(message: bytes, transport: str) -> bool:
    """Whether its top Via names that transport: `UDP`, `TCP`, `TLS`."""
    return value(message, "Via").upper().startswith(f"SIP/2.0/{transport} ")


def _field(name: str) -> re.Pattern[bytes]:
    return re.compile(
        rb"^(" + re.escape(name).encode() + rb"[ \t]*:[ \t]*)([^\r\n]*)\r\n", re.IGNORECASE | re.MULTILINE
    )


def _replace_first(message: bytes, name: str, make: Callable[[re.Match[bytes]], bytes]) -> bytes:
    end = message.find(HEAD_END) + 2
    return _field(name).sub(make, message[:end], count=1) + message[end:]


def sends(change: Callable[[bytes], bytes | None]) -> dict[str, Any]:
    """The hook for messages that leave: each is what `change` makes of it; None: it does not leave."""
    return {"sip_out": _optional(change)}


def hears(change: Callable[[bytes], bytes | None]) -> dict[str, Any]:
    """The hook for messages that come: each is what `change` makes of it; None: it is not heard."""
    return {"sip_in": _optional(change)}


def _optional(change: Callable[[bytes], bytes | None]) -> Callable[[bytes], Sequence[bytes]]:
    def passed(message: bytes) -> Sequence[bytes]:
        changed = change(message)
        return [] if changed is None else [changed]

    return passed
