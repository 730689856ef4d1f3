"""INVITEs, re-INVITEs and UPDATEs that wait for who decides: what their final responses do to their dialogs."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ..errors import FlowGone, UsageError, WrongState
from .acceptance import Acceptance
from .arrival import Arrival
from .automatic import ALLOW, SUPPORTED, HeaderItems
from .dialog import Dialog, DialogInput, DialogState, read_target
from .dialogs import Dialogs
from .events import AckTimeout, Flow, InviteId, PrackTimeout
from .offer_exchange import ExchangeInput
from .reliable_provisional import Rack, ReliableProvisional
from .responder import Responder
from .timers import Timers
from .transaction_layer import AnyServerTransaction, TransactionLayer
from .uac import Uac
from .wire import Stream, Wire

Kind = Literal["invite", "reinvite", "update"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A request without a final response. `kind`: does it make a dialog, or change the session of one?"""

    arrival: Arrival
    transaction: AnyServerTransaction
    dialog: Dialog
    kind: Kind


class Invites:
    def __init__(
        self,
        *,
        wire: Wire,
        layer: TransactionLayer,
        dialogs: Dialogs,
        uac: Uac,
        responder: Responder,
        timers: Timers,
        contact: Callable[[Flow], str],
        rings_reliably: bool,
    ) -> None:
        self._wire = wire
        self._layer = layer
        self._dialogs = dialogs
        self._uac = uac
        self._responder = responder
        self._timers = timers
        self._contact = contact
        self._rings_reliably = rings_reliably
        self._undecided: dict[InviteId, Undecided] = {}
        self._lost: deque[InviteId] = deque(maxlen=256)
        self._count = 0

    # Requests

    def open(self, arrival: Arrival, dialog: Dialog, kind: Kind, now: float) -> InviteId:
        """A request begins to wait. Its dialog can take its offer: see `OfferExchange.refusal`."""
        self._count += 1
        invite = InviteId(self._count)
        transaction: AnyServerTransaction
        if kind == "update":
            transaction = self._layer.open(arrival, waits=True)
            dialog.updating = invite
        else:
            transaction = self._layer.open_invite(arrival)
            transaction.invite = invite
            transaction.dialog = dialog.id
            transaction.to_tag = dialog.id
            dialog.undecided = invite
        self._undecided[invite] = Undecided(arrival=arrival, transaction=transaction, dialog=dialog, kind=kind)
        if arrival.request.body:
            dialog.exchange.step(ExchangeInput.OFFER_RECEIVED)
        if kind != "update":
            # RFC 3261 17.2.1: within 200 ms unless the TU answers; a decision over HTTP takes longer, so at once.
            self._layer.respond(transaction, self._responder.build(arrival, 100, to_tag=None), now)
        return invite

    # What the TU decides

    def respond(
        self,
        invite: InviteId,
        status: int,
        *,
        reason: str | None,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        undecided = self._undecided.get(invite)
        if invite in self._lost:
            raise FlowGone(f"{status} to INVITE {invite}: the connection that it came by is closed")
        if undecided is None:
            raise WrongState(f"{status} to INVITE {invite}: it has its final response already, or never was")
        if not 101 <= status <= 699:
            raise UsageError(f"{status} to INVITE {invite}: give a status from 101 to 699; 100 was sent at once")
        flow = undecided.transaction.flow
        items: HeaderItems = []
        rack = self._rack(undecided) if status < 200 else None
        if rack is not None:
            if undecided.dialog.provisional is not None:
                raise WrongState(f"{status} to INVITE {invite}: the one before it waits for its PRACK (RFC 3262 3)")
            if not undecided.arrival.request.body and not body:
                return  # RFC 3262 5: it would have to carry our offer, which the 2xx will
            items.extend((("Require", "100rel"), ("RSeq", str(rack.rseq))))
        if status < 300:
            items.append(("Contact", f"<{self._contact(flow)}>"))  # RFC 3261 12.1.1
        if 200 <= status < 300:
            items.extend((ALLOW, SUPPORTED))  # RFC 3261 13.3.1.4
            items.extend(self._uac.agree(undecided.dialog, undecided.arrival.request, now))
        items.extend(headers)
        response = self._responder.build(
            undecided.arrival,
            status,
            to_tag=undecided.dialog.id,
            headers=items,
            reason=reason,
            body=body,
            content_type=content_type,
        )
        data = self._layer.respond(undecided.transaction, response, now)
        if rack is not None:
            self._await_prack(invite, undecided, rack, data, now)
        elif status >= 300:
            self._decline(invite, undecided)
        elif status >= 200:
            self._accept(invite, undecided, data, has_body=bool(body), now=now)

    def terminate(self, invite: InviteId, now: float, *, status: int = 487) -> Undecided | None:
        """487 to what was cancelled or hung up before its decision; None if it is decided."""
        undecided = self._undecided.get(invite)
        if undecided is not None:
            response = self._responder.build(undecided.arrival, status, to_tag=undecided.dialog.id)
            self._layer.respond(undecided.transaction, response, now)
            self._decline(invite, undecided)
        return undecided

    def terminate_all(self, dialog: Dialog, now: float) -> None:
        """The dialog ends: whatever still waits in it gets its final response, as every request must."""
        for invite in (dialog.undecided, dialog.updating):
            if invite is not None:
                self.terminate(invite, now)

    # PRACK

    def receive_prack(self, dialog: Dialog, rack: Rack) -> bool:
        """True if it is about a response of ours that waits for it (RFC 3262 3)."""
        provisional = dialog.provisional
        if provisional is None or provisional.key != rack:
            return False
        provisional.stop()
        dialog.provisional = None
        return True

    def repeat_provisional(self, provisional: ReliableProvisional, now: float) -> None:
        """A `ReliableProvisional` is due: it goes out again, or nobody acknowledged it for too long."""
        data = provisional.handle_timer(now)
        undecided = self._undecided[provisional.invite]  # every final response stops it
        if data is not None:
            self._wire.repeat(undecided.transaction.flow, undecided.transaction.destination, data)
        if provisional.is_timed_out:
            # RFC 3262 3: the UAS SHOULD reject the request with a 5xx
            self.terminate(provisional.invite, now, status=504)
            self._wire.tell(PrackTimeout(invite=provisional.invite, dialog=provisional.dialog))
        else:
            self._layer.queue.arm(provisional)

    # Time, and the end of connections

    def repeat_acceptance(self, acceptance: Acceptance, now: float) -> None:
        """An `Acceptance` is due: its 2xx goes out again, or nobody acknowledged it for too long."""
        dialog = self._dialogs.get(acceptance.dialog)
        if dialog is None:
            raise AssertionError("Dialogs.drop stops every acceptance")
        data = acceptance.handle_timer(now)
        if data is not None:
            self._wire.repeat(dialog.flow, dialog.destination, data)
        if not acceptance.is_timed_out:
            self._layer.queue.arm(acceptance)
            return
        del dialog.acceptances[acceptance.cseq]
        if acceptance.has_offer:
            dialog.exchange.step(ExchangeInput.ABANDONED)
        if dialog.step(DialogInput.ACK_TIMEOUT) is DialogState.CONFIRMED:
            self._wire.tell(AckTimeout(dialog=dialog.id))
        self._uac.send_waiting_bye(dialog, now)

    def lose_stream(self, stream: Stream) -> tuple[InviteId, ...]:
        """Nobody can be told what becomes of what waited on a closed connection: it is gone."""
        lost = {invite: each for invite, each in self._undecided.items() if each.transaction in stream.waiting}
        for invite, undecided in lost.items():
            self._decline(invite, undecided, DialogInput.FLOW_LOST)
        self._lost.extend(lost)
        return tuple(sorted(lost))

    @property
    def undecided_count(self) -> int:
        return len(self._undecided)

    # Private

    def _decline(self, invite: InviteId, undecided: Undecided, given: DialogInput = DialogInput.FAILURE_SENT) -> None:
        """A response from 300 to 699 was sent, or none ever will be."""
        dialog = self._settle(invite, undecided)
        if undecided.arrival.request.body:
            dialog.exchange.step(ExchangeInput.REFUSED)
        if undecided.kind == "invite" and dialog.state is DialogState.EARLY:
            dialog.step(given)
            self._dialogs.drop(dialog)

    def _accept(self, invite: InviteId, undecided: Undecided, data: bytes, *, has_body: bool, now: float) -> None:
        """A 2xx was sent."""
        dialog = self._settle(invite, undecided)
        request = undecided.arrival.request
        has_offer = has_body and not request.body
        if request.body:
            dialog.exchange.step(ExchangeInput.ANSWER_SENT)
        elif has_offer:
            dialog.exchange.step(ExchangeInput.OFFER_SENT)
        if undecided.kind == "invite":
            dialog.step(DialogInput.SUCCESS_SENT)
        else:
            # RFC 3261 12.2.2: a target refresh request replaces the remote target, and only that
            dialog.remote_target = read_target(request) or dialog.remote_target
        if undecided.kind != "update":
            acceptance = Acceptance(
                dialog=dialog.id,
                invite=invite,
                cseq=request.cseq.number,
                has_offer=has_offer,
                data=data,
                timers=self._timers,
                now=now,
            )
            dialog.acceptances[acceptance.cseq] = acceptance
            self._layer.queue.arm(acceptance)

    def _rack(self, undecided: Undecided) -> Rack | None:
        """The name of the next provisional response, if it is to be reliable: where the caller insists on it."""
        request = undecided.arrival.request
        options = [*request.require, *(request.supported if self._rings_reliably else ())]
        if undecided.kind == "update" or "100rel" not in [each.lower() for each in options]:
            return None
        return Rack(self._responder.random_sequence(), request.cseq.number, "INVITE")

    def _await_prack(self, invite: InviteId, undecided: Undecided, rack: Rack, data: bytes, now: float) -> None:
        dialog = undecided.dialog
        dialog.provisional = ReliableProvisional(
            dialog=dialog.id, invite=invite, key=rack, data=data, timers=self._timers, now=now
        )
        self._layer.queue.arm(dialog.provisional)

    def _settle(self, invite: InviteId, undecided: Undecided) -> Dialog:
        dialog = undecided.dialog
        del self._undecided[invite]
        if undecided.kind == "update":
            dialog.updating = None
        else:
            dialog.undecided = None
            if dialog.provisional is not None:
                dialog.provisional.stop()  # RFC 3262 3: not repeated behind a final response
        return dialog
