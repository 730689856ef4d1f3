"""What a phone has sent and received, as checks and ladders read it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .messages import Request, Response, parse
from .watch import Watch

Direction = Literal["sent", "received"]
_CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SipRecord:
    """One SIP message on the wire, retransmissions included. `at` is Unix time that never goes back."""

    at: float
    direction: Direction
    raw: bytes
    local: tuple[str, int]
    remote: tuple[str, int]

    @property
    def message(self) -> Request | Response:
        """The message; raises `ProtocolViolation` when it can't be read."""
        return parse(self.raw)

    @property
    def summary(self) -> str:
        """`INVITE sip:…` or `180 Ringing`; of an unreadable message its first line."""
        first = self.raw.split(b"\r\n", 1)[0].decode(errors="replace")
        return first.removeprefix("SIP/2.0 ").removesuffix(" SIP/2.0")


class MessageLog(list[SipRecord]):
    """Messages in the order of the wire, to be looked at and waited for. It grows by `add`."""

    def __init__(self) -> None:
        super().__init__()
        self._watch = Watch()

    def add(self, record: SipRecord) -> None:
        self.append(record)
        self._watch.changed()

    def received(self, summary: str = "", *, where: Callable[[SipRecord], bool] = lambda _: True) -> list[SipRecord]:
        """What came so far whose summary begins so, and that `where` accepts."""
        return [each for each in self if _is_wanted(each, summary, where)]

    async def wait_for(
        self,
        summary: str = "",
        *,
        where: Callable[[SipRecord], bool] = lambda _: True,
        count: int = 1,
        timeout: float,
    ) -> SipRecord:
        """The received message number `count` whose summary begins so (`200`, `BYE`) and that `where` accepts.

        Retransmissions count, and what nobody asked for. Raises `WaitTimeout`.
        """

        def found() -> SipRecord | None:
            hits = self.received(summary, where=where)
            return hits[count - 1] if len(hits) >= count else None

        def seen() -> str:
            return ", ".join(each.summary for each in self.received()) or "nothing"

        what = f"message {summary!r} number {count}"
        return await self._watch.until(found, timeout=timeout, what=what, instead=seen)


def _is_wanted(record: SipRecord, summary: str, where: Callable[[SipRecord], bool]) -> bool:
    return record.direction == "received" and record.summary.startswith(summary) and where(record)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedResponse:
    """A response to the INVITE."""

    at: float
    status: int
    reason: str
    message: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request of the far end in a dialog, and what it was answered (None: not at all)."""

    at: float
    method: str
    message: Request
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferPlan:
    """What the phone does when it is referred (RFC 3515): answer, report in NOTIFYs, leave.

    `notifies` are the status codes of the sipfrag bodies, in order; the last one ends the subscription.
    """

    status: int = 202
    notifies: Sequence[int] = (100, 200)
    hangs_up: bool = True


def call_id_of(raw: bytes) -> str | None:
    """The Call-ID of a message that may be unreadable otherwise."""
    found = _CALL_ID.search(raw)
    return found.group(1).decode(errors="replace") if found else None
