"""How an SDP offer is posted: as it is, or as one part of a form, in the ways that browsers, curl and SDKs have."""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Literal

Form = Literal["raw", "typed", "bare", "file"]
"""`raw`: the offer alone, `application/sdp`. `typed`: parts with their content types, as the SDKs send them, and curl
with `;type=`. `bare`: parts without, as `FormData.set()` sends strings. `file`: the offer has a file name, as
`FormData` sends a Blob and curl an `@file`."""


def posted(
    offer: str | bytes | None, session: Any = None, form: Form | None = None, extra: Mapping[str, str] | None = None
) -> tuple[str, bytes]:
    """Content type and body. Without a form it is the SDKs': `raw` for an offer alone, `typed` with a session.

    A session that is text or bytes goes as it is; None leaves that part out. `extra` are further fields of a form.
    """
    form = form or ("raw" if session is None else "typed")
    sdp = offer.encode() if isinstance(offer, str) else offer
    if form == "raw":
        return "application/sdp", sdp or b""
    parts: list[tuple[str, str, bytes]] = []
    if sdp is not None:
        parts.append(("sdp", "application/sdp", sdp))
    if session is not None:
        parts.append(("session", "application/json", _text(session)))
    parts += [(name, "text/plain", value.encode()) for name, value in (extra or {}).items()]
    boundary = secrets.token_hex(16)
    body = b""
    for name, kind, content in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if form == "file" and name == "sdp":
            head += '; filename="offer.sdp"\r\nContent-Type: application/octet-stream'
        elif form == "typed":
            head += f"\r\nContent-Type: {kind}"
        body += head.encode() + b"\r\n\r\n" + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def _text(session: Any) -> bytes:
    if isinstance(session, bytes):
        return session
    return session.encode() if isinstance(session, str) else json.dumps(session).encode()
