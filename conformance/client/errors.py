"""Every error of the reference client, by what the user of the client should think.

::

    ClientError
    ├── UsageError           the client was asked for something impossible; the message says what to do instead
    ├── WaitTimeout          what was waited for did not come in time (also a `TimeoutError`)
    └── FarEndError          the far end did something wrong or refused
        ├── ProtocolViolation    what it sent can't be read or can't be right
        ├── ConnectionFailed     it can't be reached, or the connection was lost
        ├── TransactionTimeout   a SIP request never got its final response
        ├── CallRefused          the answer to an INVITE or an offer is no 2xx; carries `status` and `reason`
        ├── CallEnded            the call was over before what was waited for came
        └── HandshakeRefused     a WebSocket handshake answered by anything but 101; carries `status` and `body`
"""

import contextlib
from collections.abc import Coroutine
from typing import Any


class ClientError(Exception):
    """The root of every error that the reference client raises on purpose."""


class UsageError(ClientError):
    """The client was asked for something impossible. The message says what to do instead."""


class WaitTimeout(ClientError, TimeoutError):
    """What was waited for did not come in time. The message names it, the time given, and what was there instead."""


class FarEndError(ClientError):
    """The far end did something wrong or refused."""


class ProtocolViolation(FarEndError):
    """What the far end sent can't be read, or breaks the protocol that it is sent in."""


class ConnectionFailed(FarEndError):
    """The far end can't be reached, refused the connection, or dropped it."""


class TransactionTimeout(FarEndError):
    """A SIP request never got its final response (RFC 3261 17.1: timers B and F)."""


class CallRefused(FarEndError):
    """The INVITE got a final response other than 2xx, or a WebRTC offer such an answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the call was refused: {status} {reason}")
        self.status = status
        self.reason = reason


class CallEnded(FarEndError):
    """The call was over before what was waited for came."""


class HandshakeRefused(FarEndError):
    """A WebSocket handshake was answered by anything but 101."""

    def __init__(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        super().__init__(f"the WebSocket handshake was answered {status}: {body[:200].decode(errors='replace')}")
        self.status = status
        self.headers = headers
        self.body = body


async def swallow_far_end(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, whatever the far end does: that is in the call's record."""
    with contextlib.suppress(FarEndError):
        await work
