"""A provisional response that waits for its PRACK (RFC 3262 3)."""

import re
from dataclasses import dataclass

from ..errors import SipError
from .events import DialogId, InviteId
from .message import Request
from .timers import Timers

_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+(\S+)", re.ASCII)


class ReliableProvisional:
    """Feed and arm it like a transaction. When `is_timed_out`, 64·T1 have passed without a PRACK."""

    __slots__ = (
        "_give_up_at",
        "_interval",
        "_repeat_at",
        "armed_for",
        "data",
        "dialog",
        "invite",
        "is_timed_out",
        "key",
    )

    def __init__(
        self, *, dialog: DialogId, invite: InviteId, key: "Rack", data: bytes, timers: Timers, now: float
    ) -> None:
        self.dialog = dialog
        self.invite = invite
        self.key = key
        self.data = data
        self.armed_for: float | None = None
        self.is_timed_out = False
        self._interval = timers.t1
        self._repeat_at: float | None = now + timers.t1
        self._give_up_at = now + timers.timeout

    def stop(self) -> None:
        """The PRACK came, or a final response went: it is not sent again. A late PRACK still finds it."""
        self._repeat_at = None

    def next_deadline(self) -> float | None:
        return None if self._repeat_at is None else min(self._repeat_at, self._give_up_at)

    def handle_timer(self, now: float) -> bytes | None:
        """Returns the response if it is time to send it again; otherwise look at `is_timed_out`."""
        if self._repeat_at is None:
            return None
        if self._give_up_at <= now:
            self._repeat_at = None
            self.is_timed_out = True
            return None
        if self._repeat_at > now:
            return None
        self._interval *= 2  # RFC 3262 3: "starts at T1 seconds and doubles for each retransmission", without a limit
        self._repeat_at = now + self._interval
        return self.data


@dataclass(frozen=True, slots=True)
class Rack:
    """Which response a PRACK is about (RFC 3262 7.2)."""

    rseq: int
    cseq: int
    method: str

    @classmethod
    def of(cls, request: Request) -> "Rack":
        """Raises `SipError` (400) without an RAck header that can be read."""
        found = _RACK.fullmatch((request.headers.get("RAck") or "").strip())
        if found is None:
            raise SipError("PRACK without a readable RAck")
        return cls(int(found[1]), int(found[2]), found[3])
