"""A provisional response that waits for its PRACK (RFC 3262 3)."""

import math
import re
from dataclasses import dataclass

from ..errors import SipError
from .events import DialogId, InviteId
from .message import Request
from .repeated import Repeated
from .timers import Timers

_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+(\S+)", re.ASCII)


class ReliableProvisional(Repeated):
    """It may be stopped by the PRACK or by a final response. A late PRACK still finds it."""

    __slots__ = ("dialog", "invite", "key")

    def __init__(
        self, *, dialog: DialogId, invite: InviteId, key: "Rack", data: bytes, timers: Timers, now: float
    ) -> None:
        # RFC 3262 3: "starts at T1 seconds and doubles for each retransmission", without a limit
        super().__init__(data, longest=math.inf, timers=timers, now=now)
        self.dialog = dialog
        self.invite = invite
        self.key = key


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
