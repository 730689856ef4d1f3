"""A 2xx to INVITE that waits for its ACK. The TU repeats it, not the transaction (RFC 3261 13.3.1.4)."""

from .events import DialogId, InviteId
from .repeated import Repeated
from .timers import Timers


class Acceptance(Repeated):
    """Repeats the 2xx on every transport: a proxy on the way may use UDP.

    When `is_timed_out`, the dialog is confirmed, but ought to be ended. `has_offer`: it carries our offer, and the ACK
    the answer.
    """

    __slots__ = ("cseq", "dialog", "has_offer", "invite")

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
        # RFC 3261 13.3.1.4: "an interval that starts at T1 seconds and doubles … until it reaches T2"
        super().__init__(data, longest=timers.t2, timers=timers, now=now)
        self.dialog = dialog
        self.invite = invite
        self.cseq = cseq
        self.has_offer = has_offer
