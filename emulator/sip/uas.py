"""The UAS side: each request of a peer is absorbed, answered on the spot, or told to who decides (RFC 3261 8.2)."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import FlowGone, SipError, UsageError, WrongState
from ..ids import Ids
from .acceptance import Acceptance
from .arrival import Arrival, response_destination, response_via
from .automatic import ALLOW, RETRY_LATER, SUPPORTED, HeaderItems, answer_options, answer_register, refusal
from .dialog import Dialog, DialogInput, DialogState, read_target
from .dialogs import Dialogs
from .events import (
    AckReceived,
    AckTimeout,
    ByeReceived,
    DialogId,
    Flow,
    InfoReceived,
    InviteCancelled,
    InviteId,
    InviteReceived,
    MessageDropped,
    NotifyReceived,
    ReinviteReceived,
)
from .message import Request, Response, response_to
from .refer import parse_notify
from .server_transaction import InviteServerTransaction
from .timers import Timers
from .transaction_layer import AnyServerTransaction, TransactionLayer
from .uac import Uac
from .wire import Stream, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """An INVITE or re-INVITE without a final response."""

    arrival: Arrival
    transaction: InviteServerTransaction
    dialog: Dialog
    is_reinvite: bool


class Uas:
    def __init__(
        self,
        *,
        wire: Wire,
        layer: TransactionLayer,
        dialogs: Dialogs,
        uac: Uac,
        ids: Ids,
        timers: Timers,
        contact: Callable[[Flow], str],
        user_agent: str | None,
        register_status: int,
    ) -> None:
        self._wire = wire
        self._layer = layer
        self._dialogs = dialogs
        self._uac = uac
        self._ids = ids
        self._timers = timers
        self._contact = contact
        self._identity: HeaderItems = [] if user_agent is None else [("Server", user_agent)]
        self._register_status = register_status
        self._undecided: dict[InviteId, Undecided] = {}
        self._lost: deque[InviteId] = deque(maxlen=256)
        self._count = 0

    # What peers send

    def receive_request(self, flow: Flow, request: Request, now: float) -> None:
        """Raises `SipError` for what only shows to be malformed on use: see `answer_statelessly`."""
        arrival = Arrival(flow, request)
        method = request.method
        if method == "ACK":
            self._receive_ack(arrival, now)
            return
        known = self._layer.find(arrival)
        if known is not None:
            self._layer.repeat(known)
        elif self._layer.is_full:
            self.answer_statelessly(flow, request, 503, headers=[RETRY_LATER])
        elif method == "CANCEL":
            self._receive_cancel(arrival, now)
        else:
            self._receive_new(arrival, now)

    def answer_statelessly(
        self, flow: Flow, request: Request, status: int, *, headers: HeaderItems | None = None
    ) -> None:
        """Answer what is malformed or too much, keeping nothing. An ACK is never answered (RFC 3261 17)."""
        if request.method == "ACK" or "Via" not in request.headers:
            return
        via = destination = None
        with contextlib.suppress(SipError):
            via = response_via(request.via, flow)
            destination = response_destination(request.via, flow)
        items = [*(headers or []), *self._identity]
        response = response_to(request, status, to_tag=self._ids.uuid(), via=via, headers=items)
        self._wire.send(flow, destination, response, response.to_bytes())

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
        if status < 300:
            items.append(("Contact", f"<{self._contact(flow)}>"))  # RFC 3261 12.1.1
        if 200 <= status < 300:
            items.extend((ALLOW, SUPPORTED))  # RFC 3261 13.3.1.4
        items.extend(headers)
        response = self._build(
            undecided.arrival,
            status,
            to_tag=undecided.dialog.id,
            headers=items,
            reason=reason,
            body=body,
            content_type=content_type,
        )
        data = self._layer.respond(undecided.transaction, response, now)
        if status >= 300:
            self._decline(invite, undecided)
        elif status >= 200:
            self._accept(invite, undecided, data, now)

    def decline_reinvite(self, dialog: Dialog, now: float) -> None:
        """We hang up: a re-INVITE that still waits gets its final response, as every request must."""
        if dialog.undecided is not None and dialog.state is not DialogState.EARLY:
            self._terminate(dialog.undecided, now)

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
        if dialog.step(DialogInput.ACK_TIMEOUT) is DialogState.CONFIRMED:
            self._wire.tell(AckTimeout(dialog=dialog.id))
        self._uac.send_waiting_bye(dialog, now)

    def lose_stream(self, stream: Stream) -> tuple[InviteId, ...]:
        """Nobody can be told what becomes of the undecided INVITEs of a closed connection: they are gone."""
        lost = []
        for transaction in stream.invites:
            undecided = self._undecided.pop(transaction.invite, None)
            if undecided is not None:
                lost.append(transaction.invite)
                undecided.dialog.undecided = None
                if not undecided.is_reinvite:
                    undecided.dialog.step(DialogInput.FLOW_LOST)
                    self._dialogs.drop(undecided.dialog)
        self._lost.extend(lost)
        return tuple(sorted(lost))

    @property
    def undecided_count(self) -> int:
        return len(self._undecided)

    # Private: requests outside of dialogs

    def _receive_new(self, arrival: Arrival, now: float) -> None:
        request = arrival.request
        refused = refusal(request)
        if refused is not None:
            self._answer(arrival, *refused, now=now)
        elif request.method == "REGISTER":
            self._answer(arrival, *answer_register(request, self._register_status), now=now)
        elif arrival.to_tag is not None:
            self._receive_in_dialog(arrival, now)
        elif self._layer.is_merged(arrival):
            self._answer(arrival, 482, now=now)  # RFC 3261 8.2.2.2
        elif request.method == "OPTIONS":
            self._answer(arrival, *answer_options(), now=now)
        elif request.method == "INVITE":
            self._receive_invite(arrival, now)
        else:
            self._answer(arrival, 481, now=now)  # BYE, INFO, NOTIFY: there is nothing they could belong to

    def _receive_invite(self, arrival: Arrival, now: float) -> None:
        if self._dialogs.is_full:
            self._answer(arrival, 503, [RETRY_LATER], now=now)
            return
        dialog = Dialog(DialogId(self._ids.uuid()), arrival)  # FACTS 5.2: the service's To tags are UUIDs [OBS]
        self._dialogs.add(dialog)
        invite = self._open_invite(arrival, dialog, is_reinvite=False, now=now)
        self._wire.tell(InviteReceived(invite=invite, dialog=dialog.id, flow=arrival.flow, request=arrival.request))

    def _receive_cancel(self, arrival: Arrival, now: float) -> None:
        invited = self._layer.find_invite(arrival)
        if invited is None:
            self._answer(arrival, 481, now=now)  # RFC 3261 9.2
            return
        # RFC 3261 9.2: one To tag for the CANCEL's response and the INVITE's
        self._answer(arrival, 200, now=now, to_tag=invited.to_tag)
        undecided = self._undecided.get(invited.invite)
        if undecided is not None:
            self._terminate(invited.invite, now)
            self._wire.tell(InviteCancelled(invite=invited.invite, dialog=undecided.dialog.id))

    # Private: requests inside dialogs

    def _receive_ack(self, arrival: Arrival, now: float) -> None:
        request = arrival.request
        transaction = self._layer.find_invite(arrival)
        if transaction is not None:
            if not self._layer.receive_ack(transaction, now):
                return
            dialog = self._dialogs.get(transaction.dialog)
        else:
            dialog = self._dialogs.find(arrival)
        if dialog is None:
            self._wire.tell(MessageDropped(flow=arrival.flow, reason="ACK to no dialog", message=request))
            return
        if request.cseq.number not in dialog.acceptances:
            return  # repeated, because we repeated the 2xx
        dialog.acknowledge(request.cseq.number)
        self._dialogs.move(dialog, arrival.flow, arrival.destination)
        dialog.step(DialogInput.ACK)
        self._wire.tell(AckReceived(dialog=dialog.id, body=request.body))
        self._uac.send_waiting_bye(dialog, now)

    def _receive_in_dialog(self, arrival: Arrival, now: float) -> None:
        request = arrival.request
        dialog = self._dialogs.find(arrival)
        if dialog is None:
            self._answer(arrival, 481, now=now)  # RFC 3261 12.2.2
            return
        if not dialog.take_sequence(request.cseq.number):
            self._answer(arrival, 500, now=now)  # RFC 3261 12.2.2
            return
        self._dialogs.move(dialog, arrival.flow, arrival.destination)
        match request.method:
            case "INVITE":
                self._receive_reinvite(arrival, dialog, now)
            case "BYE":
                self._receive_bye(arrival, dialog, now)
            case "NOTIFY":
                self._receive_notify(arrival, dialog, now)
            case "INFO":
                self._answer(arrival, 200, now=now)
                self._wire.tell(InfoReceived(dialog=dialog.id, request=request))
            case _:
                self._answer(arrival, *answer_options(), now=now)

    def _receive_reinvite(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        if dialog.undecided is not None:
            # RFC 3261 14.2: 500 with a Retry-After "of between 0 and 10 seconds" chosen at random
            self._answer(arrival, 500, [("Retry-After", str(self._ids.number(16) % 11))], now=now)
        elif dialog.state not in (DialogState.ACCEPTED, DialogState.CONFIRMED):
            self._answer(arrival, 481, now=now)  # RFC 3261 15.1.1: over since our BYE, or as good as
        else:
            read_target(arrival.request)  # 400 now rather than trouble when it is accepted
            invite = self._open_invite(arrival, dialog, is_reinvite=True, now=now)
            self._wire.tell(ReinviteReceived(invite=invite, dialog=dialog.id, request=arrival.request))

    def _receive_bye(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        self._answer(arrival, 200, now=now)
        if dialog.step(DialogInput.BYE) is not DialogState.TERMINATED:
            return  # ours is on its way too, and whoever hung up knows
        if dialog.undecided is not None:
            self._terminate(dialog.undecided, now)  # RFC 3261 15.1.2
        if dialog.bye is not None:
            self._uac.tell_completed(dialog.id, dialog.bye, "BYE", 481)  # what it would have got now
        self._dialogs.drop(dialog)
        self._wire.tell(ByeReceived(dialog=dialog.id, request=arrival.request))

    def _receive_notify(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        report = parse_notify(arrival.request)
        if report is None:
            self._answer(arrival, 489, [("Allow-Events", "refer")], now=now)  # RFC 6665 4.1.3
            return
        cseq = report.cseq if report.cseq is not None else max(dialog.transfers, default=None)
        transfer = None if cseq is None else dialog.transfers.get(cseq)
        if cseq is None or transfer is None:
            self._answer(arrival, 481, now=now)  # RFC 6665 4.1.3: no such subscription
            return
        self._answer(arrival, 200, now=now)
        if report.is_terminated:
            del dialog.transfers[cseq]
        self._wire.tell(
            NotifyReceived(
                dialog=dialog.id,
                request=arrival.request,
                request_id=transfer,
                status=report.status,
                fragment=report.fragment,
                is_terminated=report.is_terminated,
            )
        )

    # Private: responses

    def _open_invite(self, arrival: Arrival, dialog: Dialog, *, is_reinvite: bool, now: float) -> InviteId:
        self._count += 1
        invite = InviteId(self._count)
        transaction = self._layer.open_invite(arrival)
        transaction.invite = invite
        transaction.dialog = dialog.id
        transaction.to_tag = dialog.id
        dialog.undecided = invite
        self._undecided[invite] = Undecided(
            arrival=arrival, transaction=transaction, dialog=dialog, is_reinvite=is_reinvite
        )
        # RFC 3261 17.2.1: within 200 ms unless the TU answers; a decision over HTTP takes longer, so at once.
        self._layer.respond(transaction, self._build(arrival, 100, to_tag=None), now)
        return invite

    def _answer(
        self,
        arrival: Arrival,
        status: int,
        headers: HeaderItems | None = None,
        *,
        now: float,
        to_tag: str | None = None,
    ) -> None:
        """Open a transaction and end it with this response."""
        if arrival.to_tag is None and to_tag is None:
            to_tag = self._ids.uuid()  # RFC 3261 8.2.6.2: a response needs one, unless the request brought one
        transaction: AnyServerTransaction
        if arrival.request.method == "INVITE":
            transaction = self._layer.open_invite(arrival)
            transaction.to_tag = to_tag or ""
        else:
            transaction = self._layer.open(arrival)
        self._layer.respond(transaction, self._build(arrival, status, to_tag=to_tag, headers=headers or []), now)

    def _build(
        self,
        arrival: Arrival,
        status: int,
        *,
        to_tag: str | None,
        headers: HeaderItems | None = None,
        reason: str | None = None,
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        return response_to(
            arrival.request,
            status,
            reason,
            to_tag=to_tag,
            via=arrival.via,
            headers=[*(headers or []), *self._identity],
            body=body,
            content_type=content_type,
        )

    def _terminate(self, invite: InviteId, now: float) -> None:
        """487 to an INVITE that was cancelled or hung up before its decision."""
        undecided = self._undecided[invite]
        transaction = undecided.transaction
        response = self._build(undecided.arrival, 487, to_tag=undecided.dialog.id)
        self._layer.respond(transaction, response, now)
        self._decline(invite, undecided)

    def _decline(self, invite: InviteId, undecided: Undecided) -> None:
        """A response from 300 to 699 was sent."""
        dialog = undecided.dialog
        del self._undecided[invite]
        dialog.undecided = None
        if not undecided.is_reinvite and dialog.state is DialogState.EARLY:
            dialog.step(DialogInput.FAILURE_SENT)
            self._dialogs.drop(dialog)

    def _accept(self, invite: InviteId, undecided: Undecided, data: bytes, now: float) -> None:
        """A 2xx was sent."""
        dialog = undecided.dialog
        request = undecided.arrival.request
        cseq = request.cseq.number
        del self._undecided[invite]
        dialog.undecided = None
        if undecided.is_reinvite:
            # RFC 3261 12.2.2: a target refresh request replaces the remote target, and only that
            dialog.remote_target = read_target(request) or dialog.remote_target
        else:
            dialog.step(DialogInput.SUCCESS_SENT)
        acceptance = Acceptance(dialog=dialog.id, cseq=cseq, data=data, timers=self._timers, now=now)
        dialog.acceptances[cseq] = acceptance
        self._layer.queue.arm(acceptance)
