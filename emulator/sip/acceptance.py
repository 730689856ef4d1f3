"""A 2xx to INVITE that waits for its ACK. The TU repeats it, not the transaction (RFC 3261 13.3.1.4)."""

from .events import DialogId, InviteId
from .timers import Timer, Timers


class Acceptance:
    """Repeats the 2xx on every transport: a proxy on the way may use UDP. Feed and arm it like a transaction.

    When `is_timed_out`, 64·T1 have passed without an ACK: the dialog is confirmed, but ought to be ended.
    `has_offer`: it carries our offer, and the ACK the answer.
    """

    __slots__ = (
        "_give_up_at",
        "_interval",
        "_repeat_at",
        "_timers",
        "armed_for",
        "cseq",
        "data",
        "dialog",
        "has_offer",
        "invite",
        "is_timed_out",
    )

    def __init__(
        self,
        *,
        dialog: DialogId,
        invite: InviteId,
        cseq: int,
        has_offer: bool,
        data: bytes,
        timers: Timers,
        now: float,
    ) -> None:
        self.dialog = dialog
        self.invite = invite
        self.cseq = cseq
        self.has_offer = has_offer
        self.data = data
        self.armed_for: float | None = None
        self.is_timed_out = False
        self._timers = timers
        self._interval = timers.t1
        self._repeat_at: float | None = now + timers.t1
        self._give_up_at = now + timers.timeout

    def stop(self) -> None:
        """The ACK came, or the dialog is over."""
        self._repeat_at = None

    def next_deadline(self) -> float | None:
        return None if self._repeat_at is None else min(self._repeat_at, self._give_up_at)

    def handle_timer(self, now: float) -> bytes | None:
        """Returns the 2xx if it is time to send it again; otherwise look at `is_timed_out`."""
        if self._repeat_at is None:
            return None
        if self._give_up_at <= now:
            self._repeat_at = None
            self.is_timed_out = True
            return None
        if self._repeat_at > now:
            return None
        # RFC 3261 13.3.1.4: "an interval that starts at T1 seconds and doubles … until it reaches T2"
        self._interval = self._timers.next(Timer.G, self._interval)
        self._repeat_at = now + self._interval
        return self.data
