"""Session timers (RFC 4028): how long a session lives without a refresh, and who refreshes it."""

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import SipError
from .automatic import Answer, HeaderItems
from .events import DialogId
from .message import Request, Response

Refresher = Literal["uac", "uas"]
_VALUE = re.compile(r"([0-9]{1,9})[ \t]*(?:;(.*))?", re.ASCII)
_REFRESHER = re.compile(r"(?i)(?:^|;)\s*refresher\s*=\s*(uac|uas)\s*(?:;|$)")
MARGIN = 32.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimerPolicy:
    """`expires` is what we ask for where the caller names nothing (0: nothing), `refresher` who refreshes where the
    caller leaves it open, `min_se` the shortest interval in seconds."""

    expires: int = 0
    min_se: int = 90  # RFC 4028 4: less is never allowed
    refresher: Refresher = "uac"

    def refusal(self, request: Request) -> Answer | None:
        """422 to too short an interval, where whoever asks can understand that (RFC 4028 9)."""
        asked = session_expires(request)
        if asked is None or asked[0] >= self.min_se or not _supports_timer(request):
            return None
        return 422, [("Min-SE", str(self.min_se))]

    def agree(self, request: Request) -> "Terms | None":
        """What our 2xx to an INVITE or UPDATE says, None without a session timer (RFC 4028 9)."""
        asked = session_expires(request)
        if asked is None and not self.expires:
            return None
        supports = _supports_timer(request)
        if asked is None:
            interval, refresher = max(self.expires, min_se(request) or 0, self.min_se), None
        else:
            interval, refresher = asked
        if not supports:
            refresher = "uas"  # RFC 4028 9 table 2: who does not know of timers can't refresh
        return Terms(interval=interval, refresher=refresher or self.refresher, peer_supports=supports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed on. `refresher` is in the sense of the request that it answers."""

    interval: int
    refresher: Refresher
    peer_supports: bool

    @property
    def headers(self) -> HeaderItems:
        """RFC 4028 9: with Require where the other side has to know of it."""
        items = [("Session-Expires", f"{self.interval};refresher={self.refresher}")]
        return [("Require", "timer"), *items] if self.peer_supports else items


class SessionTimer:
    """One agreement in force. Feed and arm it like a transaction."""

    __slots__ = ("_expire_at", "_refresh_at", "armed_for", "dialog", "interval", "is_expired")

    def __init__(self, *, dialog: DialogId, interval: int, refreshes: bool, now: float) -> None:
        """`refreshes`: we do, not the peer."""
        self.dialog = dialog
        self.interval = interval
        self.is_expired = False
        self.armed_for: float | None = None
        # RFC 4028 10: a refresh at half of the interval; BYE the smaller of 32 s and a third of it before its end
        self._refresh_at = now + interval / 2 if refreshes else None
        self._expire_at: float | None = now + interval - min(MARGIN, interval / 3)

    def stop(self) -> None:
        """There is a newer agreement, or none, or the dialog is over."""
        self._expire_at = self._refresh_at = None

    def refresh_again(self, at: float) -> None:
        """The refresh came at a bad moment."""
        self._refresh_at = at

    def next_deadline(self) -> float | None:
        return min((at for at in (self._refresh_at, self._expire_at) if at is not None), default=None)

    def handle_timer(self, now: float) -> bool:
        """True when it is time to refresh; otherwise look at `is_expired`."""
        if self._refresh_at is not None and self._refresh_at <= now:
            self._refresh_at = None
            return True
        if self._expire_at is not None and self._expire_at <= now:
            self.is_expired = True
            self.stop()
        return False


def session_expires(message: Request | Response) -> tuple[int, Refresher | None] | None:
    """Session-Expires, None without one. Raises `SipError` (400) for what can't be read."""
    value = message.headers.get("Session-Expires")
    if value is None:
        return None
    found = _VALUE.fullmatch(value.strip())
    if found is None:
        raise SipError(f"Session-Expires {value[:60]!r} is no number of seconds")
    refresher = _REFRESHER.search(found[2] or "")
    return int(found[1]), None if refresher is None else "uac" if refresher[1].lower() == "uac" else "uas"


def min_se(message: Request | Response) -> int | None:
    """Min-SE, None without one that can be read."""
    found = _VALUE.fullmatch((message.headers.get("Min-SE") or "").strip())
    return None if found is None else int(found[1])


def _supports_timer(request: Request) -> bool:
    return "timer" in [each.lower() for each in (*request.supported, *request.require)]
