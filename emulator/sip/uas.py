"""The UAS side: each request of a peer is absorbed, answered on the spot, or told to who decides (RFC 3261 8.2)."""

from collections.abc import Callable

from ..ids import Ids
from .arrival import Arrival
from .automatic import RETRY_LATER, answer_options, answer_register, answer_update, refusal
from .dialog import Dialog, DialogInput, DialogState, read_target
from .dialogs import Dialogs
from .events import (
    AckReceived,
    ByeReceived,
    DialogId,
    Flow,
    InfoReceived,
    InviteCancelled,
    InviteReceived,
    MessageDropped,
    NotifyReceived,
    ReinviteReceived,
    UpdateReceived,
)
from .info import info_refusal, read_digit
from .invites import Invites
from .message import Request
from .refer import parse_notify
from .reliable_provisional import Rack
from .responder import Responder
from .session_timer import SessionTimerPolicy
from .transaction_layer import TransactionLayer
from .uac import Uac
from .wire import Wire


class Uas:
    def __init__(
        self,
        *,
        wire: Wire,
        layer: TransactionLayer,
        dialogs: Dialogs,
        invites: Invites,
        uac: Uac,
        responder: Responder,
        ids: Ids,
        contact: Callable[[Flow], str],
        register_status: int,
        session_timers: SessionTimerPolicy,
    ) -> None:
        self._wire = wire
        self._layer = layer
        self._dialogs = dialogs
        self._invites = invites
        self._uac = uac
        self._responder = responder
        self._ids = ids
        self._contact = contact
        self._session_timers = session_timers
        self._register_status = register_status

    # What peers send

    def receive_request(self, flow: Flow, request: Request, now: float) -> None:
        """Raises `SipError` for what only shows to be malformed on use: see `Responder.answer_statelessly`."""
        arrival = Arrival(flow, request)
        method = request.method
        if method == "ACK":
            self._receive_ack(arrival, now)
            return
        known = self._layer.find(arrival)
        if known is not None:
            self._layer.repeat(known)
        elif self._layer.is_full:
            self._responder.answer_statelessly(flow, request, 503, [RETRY_LATER])
        elif method == "CANCEL":
            self._receive_cancel(arrival, now)
        else:
            self._receive_new(arrival, now)

    # Private: requests outside of dialogs

    def _receive_new(self, arrival: Arrival, now: float) -> None:
        request = arrival.request
        refused = refusal(request)
        if refused is None and request.method in ("INVITE", "UPDATE"):
            refused = self._session_timers.refusal(request)
        if refused is not None:
            self._responder.answer(arrival, *refused, now=now)
        elif request.method == "REGISTER":
            self._responder.answer(arrival, *answer_register(request, self._register_status), now=now)
        elif arrival.to_tag is not None:
            self._receive_in_dialog(arrival, now)
        elif self._layer.is_merged(arrival):
            self._responder.answer(arrival, 482, now=now)  # RFC 3261 8.2.2.2
        elif request.method == "OPTIONS":
            self._responder.answer(arrival, *answer_options(), now=now)
        elif request.method == "INVITE":
            self._receive_invite(arrival, now)
        else:
            self._responder.answer(arrival, 481, now=now)  # BYE, INFO, NOTIFY: there is nothing they could belong to

    def _receive_invite(self, arrival: Arrival, now: float) -> None:
        if self._dialogs.is_full:
            self._responder.answer(arrival, 503, [RETRY_LATER], now=now)
            return
        dialog = Dialog(DialogId(self._ids.uuid()), arrival)  # FACTS 5.2: the service's To tags are UUIDs [OBS]
        self._dialogs.add(dialog)
        invite = self._invites.open(arrival, dialog, "invite", now)
        self._wire.tell(InviteReceived(invite=invite, dialog=dialog.id, flow=arrival.flow, request=arrival.request))

    def _receive_cancel(self, arrival: Arrival, now: float) -> None:
        invited = self._layer.find_invite(arrival)
        if invited is None:
            self._responder.answer(arrival, 481, now=now)  # RFC 3261 9.2
            return
        # RFC 3261 9.2: one To tag for the CANCEL's response and the INVITE's
        self._responder.answer(arrival, 200, now=now, to_tag=invited.to_tag)
        undecided = self._invites.terminate(invited.invite, now)
        if undecided is not None:
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
        invite = dialog.acknowledge(request.cseq.number, has_answer=bool(request.body))
        self._dialogs.move(dialog, arrival.flow, arrival.destination)
        dialog.step(DialogInput.ACK)
        self._wire.tell(AckReceived(dialog=dialog.id, invite=invite, body=request.body))
        self._uac.send_waiting_bye(dialog, now)

    def _receive_in_dialog(self, arrival: Arrival, now: float) -> None:
        request = arrival.request
        dialog = self._dialogs.find(arrival)
        is_over = dialog is None
        if dialog is None and request.method == "NOTIFY":
            dialog = self._dialogs.find_subscription(arrival)  # RFC 5057 4.2: it outlives the BYE
        if dialog is None:
            self._responder.answer(arrival, 481, now=now)  # RFC 3261 12.2.2
            return
        if not dialog.take_sequence(request.cseq.number):
            self._responder.answer(arrival, 500, now=now)  # RFC 3261 12.2.2
            return
        if not is_over:
            self._dialogs.move(dialog, arrival.flow, arrival.destination)
        match request.method:
            case "INVITE":
                self._receive_reinvite(arrival, dialog, now)
            case "PRACK":
                self._receive_prack(arrival, dialog, now)
            case "UPDATE":
                self._receive_update(arrival, dialog, now)
            case "BYE":
                self._receive_bye(arrival, dialog, now)
            case "NOTIFY":
                self._receive_notify(arrival, dialog, now)
            case "INFO":
                self._receive_info(arrival, dialog, now)
            case _:
                self._responder.answer(arrival, *answer_options(), now=now)

    def _receive_info(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        refused = info_refusal(arrival.request)
        if refused is not None:
            self._responder.answer(arrival, *refused, now=now)
            return
        digit = read_digit(arrival.request)
        self._responder.answer(arrival, 200, now=now)
        self._wire.tell(InfoReceived(dialog=dialog.id, request=arrival.request, digit=digit))

    def _receive_prack(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        is_awaited = self._invites.receive_prack(dialog, Rack.of(arrival.request))
        # 481: RFC 3262 3. 488: our 1xx has no description, so that there is nothing that an offer could follow.
        self._responder.answer(arrival, 481 if not is_awaited else 488 if arrival.request.body else 200, now=now)

    def _receive_reinvite(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        too_early = 500 if dialog.undecided is not None else dialog.exchange.refusal
        if dialog.state not in (DialogState.EARLY, DialogState.ACCEPTED, DialogState.CONFIRMED):
            self._responder.answer(arrival, 481, now=now)  # RFC 3261 15.1.1: over since our BYE, or as good as
        elif too_early is not None:
            self._refuse_early(arrival, too_early, now)
        else:
            read_target(arrival.request)  # 400 now rather than trouble when it is accepted
            invite = self._invites.open(arrival, dialog, "reinvite", now)
            self._wire.tell(ReinviteReceived(invite=invite, dialog=dialog.id, request=arrival.request))

    def _receive_update(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        """RFC 3311 5.2. Without an offer it only moves the remote target, and nobody need be asked."""
        too_early = 500 if dialog.updating is not None else dialog.exchange.refusal
        if dialog.state not in (DialogState.EARLY, DialogState.ACCEPTED, DialogState.CONFIRMED):
            self._responder.answer(arrival, 481, now=now)  # RFC 3261 15.1.1: over since our BYE, or as good as
        elif not arrival.request.body:
            dialog.remote_target = read_target(arrival.request) or dialog.remote_target
            status, headers = answer_update(self._contact(arrival.flow))
            headers = [*headers, *self._uac.agree(dialog, arrival.request, now)]
            self._responder.answer(arrival, status, headers, now=now)
        elif too_early is not None:
            self._refuse_early(arrival, too_early, now)
        else:
            read_target(arrival.request)
            update = self._invites.open(arrival, dialog, "update", now)
            self._wire.tell(UpdateReceived(invite=update, dialog=dialog.id, request=arrival.request))

    def _refuse_early(self, arrival: Arrival, status: int, now: float) -> None:
        headers = self._responder.random_retry() if status == 500 else []
        self._responder.answer(arrival, status, headers, now=now)

    def _receive_bye(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        self._responder.answer(arrival, 200, now=now)
        if dialog.step(DialogInput.BYE) is not DialogState.TERMINATED:
            return  # ours is on its way too, and whoever hung up knows
        self._invites.terminate_all(dialog, now)  # RFC 3261 15.1.2
        if dialog.bye is not None:
            self._uac.tell_completed(dialog.id, dialog.bye, "BYE", 481)  # what it would have got now
        self._dialogs.drop(dialog)
        self._wire.tell(ByeReceived(dialog=dialog.id, request=arrival.request))

    def _receive_notify(self, arrival: Arrival, dialog: Dialog, now: float) -> None:
        report = parse_notify(arrival.request)
        if report is None:
            self._responder.answer(arrival, 489, [("Allow-Events", "refer")], now=now)  # RFC 6665 4.1.3
            return
        cseq = report.cseq if report.cseq is not None else max(dialog.transfers, default=None)
        transfer = None if cseq is None else dialog.transfers.get(cseq)
        if cseq is None or transfer is None:
            self._responder.answer(arrival, 481, now=now)  # RFC 6665 4.1.3: no such subscription
            return
        self._responder.answer(arrival, 200, now=now)
        if report.is_terminated:
            del dialog.transfers[cseq]
            if not dialog.transfers:
                self._dialogs.forget_subscription(dialog)
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
