"""The UAC side: BYE, REFER and refreshes inside a dialog, the responses to them, and what becomes of those."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FlowGone, SipError, WrongState
from ..ids import Ids
from .automatic import ALLOW, SUPPORTED, HeaderItems
from .client_transaction import InviteClientTransaction
from .dialog import Dialog, DialogInput, DialogState, read_target
from .dialogs import Dialogs
from .events import (
    ByeLost,
    DialogId,
    Flow,
    MessageDropped,
    RefreshAnswered,
    RefreshDue,
    RequestCompleted,
    RequestId,
    SessionTimedOut,
)
from .message import Request, Response
from .offer_exchange import ExchangeInput, ExchangeState
from .refer import refer_to
from .session_timer import SessionTimer, SessionTimerPolicy, min_se, session_expires
from .transaction import MAGIC_COOKIE
from .transaction_layer import AnyClientTransaction, TransactionLayer
from .uri import Uri
from .wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A request of ours that has no final response yet. `cseq` is its number."""

    dialog: Dialog
    request_id: RequestId
    method: str
    cseq: int


class Uac:
    def __init__(
        self,
        *,
        wire: Wire,
        layer: TransactionLayer,
        dialogs: Dialogs,
        ids: Ids,
        contact: Callable[[Flow], str],
        user_agent: str | None,
        session_timers: SessionTimerPolicy,
    ) -> None:
        self._wire = wire
        self._layer = layer
        self._dialogs = dialogs
        self._ids = ids
        self._contact = contact
        self._session_timers = session_timers
        self._identity: HeaderItems = [] if user_agent is None else [("User-Agent", user_agent)]
        self._pending: dict[AnyClientTransaction, Pending] = {}
        self._count = 0

    # Requests

    def hang_up(self, dialog: Dialog, now: float) -> RequestId:
        """BYE, now or when RFC 3261 §15 allows it. On a closed flow the dialog ends at once, and `FlowGone` says so."""
        state = dialog.step(DialogInput.BYE_WANTED)
        request_id = self._next_id()
        if state is DialogState.LEAVING:
            dialog.bye = request_id
        elif self._wire.is_open(dialog.flow):
            self._send(dialog, "BYE", [], request_id, now)
        else:
            self._end(dialog)
            raise FlowGone(f"no BYE: the connection of dialog {dialog.id} from {dialog.flow.remote} is closed")
        return request_id

    def send_waiting_bye(self, dialog: Dialog, now: float) -> None:
        """The ACK came, or never will: now the BYE that waited for it may go, if there is one."""
        request_id = dialog.bye
        if request_id is None:
            return
        dialog.bye = None
        if self._wire.is_open(dialog.flow):
            self._send(dialog, "BYE", [], request_id, now)
        else:
            self._lose_bye(dialog)

    def refer(self, dialog: Dialog, target: str, now: float) -> RequestId:
        """REFER to `target`. Raises `InvalidTarget`, `WrongState` or `FlowGone`; nothing was sent then."""
        value = refer_to(target)
        if dialog.state is not DialogState.CONFIRMED:
            raise WrongState(f"REFER in state {dialog.state.value}: dialog {dialog.id} is not confirmed")
        if not self._wire.is_open(dialog.flow):
            raise FlowGone(f"no REFER: the connection of dialog {dialog.id} from {dialog.flow.remote} is closed")
        request_id = self._next_id()
        headers = [("Contact", f"<{self._contact(dialog.flow)}>"), ("Refer-To", value)]
        cseq = self._send(dialog, "REFER", headers, request_id, now)
        dialog.transfers[cseq] = request_id
        return request_id

    # Session timers

    def agree(self, dialog: Dialog, request: Request, now: float) -> HeaderItems:
        """A 2xx to an INVITE or UPDATE leaves: what it says of the session timer, which starts anew, or ends."""
        terms = self._session_timers.agree(request)
        if terms is None:
            self._keep_time(dialog, None, refreshes=False, now=now)
            return []
        self._keep_time(dialog, terms.interval, refreshes=terms.refresher == "uas", now=now)
        return terms.headers

    def handle_session_timer(self, timer: SessionTimer, now: float) -> None:
        """A `SessionTimer` is due: refresh the session, or tell that nobody did."""
        dialog = self._dialogs.get(timer.dialog)
        if dialog is None:
            raise AssertionError("Dialogs.drop stops every session timer")
        if timer.handle_timer(now):
            self._refresh(dialog, now)
        self._layer.queue.arm(timer)
        if timer.is_expired and dialog.state in (DialogState.ACCEPTED, DialogState.CONFIRMED):
            self._wire.tell(SessionTimedOut(dialog=dialog.id))

    def refresh(self, dialog: Dialog, offer: bytes, now: float) -> None:
        """Refresh the session by UPDATE, or by re-INVITE with an offer (RFC 4028 7.4). Raises `FlowGone`."""
        timer = dialog.session_timer
        if timer is None or dialog.state is not DialogState.CONFIRMED:
            return  # it was agreed on anew in the meantime, or the call is over
        if not self._wire.is_open(dialog.flow):
            raise FlowGone(f"no refresh: the connection of dialog {dialog.id} from {dialog.flow.remote} is closed")
        headers = [
            ("Contact", f"<{self._contact(dialog.flow)}>"),
            SUPPORTED,
            ("Session-Expires", f"{timer.interval};refresher=uac"),
            ("Min-SE", str(self._session_timers.min_se)),
        ]
        if not offer:
            self._send(dialog, "UPDATE", headers, self._next_id(), now)
        elif dialog.undecided is not None or dialog.exchange.state is not ExchangeState.STABLE:
            self._refresh_later(timer, now)  # RFC 3261 14.1: no INVITE while another one is in progress
        else:
            dialog.exchange.step(ExchangeInput.OFFER_SENT)
            headers += [ALLOW, ("Content-Type", "application/sdp")]
            self._send(dialog, "INVITE", headers, self._next_id(), now, offer)

    # Responses, time, and the end of connections

    def receive_response(self, flow: Flow, response: Response, now: float) -> None:
        """A response that answers nothing of ours is dropped, and told as that."""
        transaction, is_news = self._layer.receive_response(response, now)
        if transaction is None:
            reason = f"{response.summary}: no transaction of ours has this branch and method"
            self._wire.tell(MessageDropped(flow=flow, reason=reason, message=response))
        elif is_news and response.status >= 200:
            self._complete(transaction, response.status, response, now)

    def fail(self, transaction: AnyClientTransaction, now: float) -> None:
        """The transaction ended without a final response."""
        if transaction.failure is None:
            raise AssertionError("a client transaction without a final response has failed")
        self._complete(transaction, transaction.failure, None, now)

    def tell_completed(
        self, dialog: DialogId, request_id: RequestId, method: str, status: int, response: Response | None = None
    ) -> None:
        self._wire.tell(
            RequestCompleted(dialog=dialog, request_id=request_id, method=method, status=status, response=response)
        )

    @property
    def pending_count(self) -> int:
        return len(self._pending)

    # Private

    def _send(
        self, dialog: Dialog, method: str, headers: HeaderItems, request_id: RequestId, now: float, body: bytes = b""
    ) -> int:
        flow = dialog.flow
        branch = MAGIC_COOKIE + self._ids.token(16)
        request = dialog.build_request(method, via=self._via(flow, branch), headers=headers + self._identity, body=body)
        cseq = request.cseq.number
        transaction = self._layer.start_client((branch, method), request, flow, dialog.destination, now)
        self._pending[transaction] = Pending(dialog=dialog, request_id=request_id, method=method, cseq=cseq)
        return cseq

    def _via(self, flow: Flow, branch: str) -> str:
        contact = Uri.parse(self._contact(flow))  # RFC 3261 18.1.1: sent-by is where responses would reach us
        port = "" if contact.port is None else f":{contact.port}"
        return f"SIP/2.0/{flow.transport.upper()} {contact.host}{port};branch={branch};rport"

    def _complete(self, transaction: AnyClientTransaction, status: int, response: Response | None, now: float) -> None:
        pending = self._pending.pop(transaction)
        dialog = pending.dialog
        if pending.method == "BYE":
            if response is None and status == 503 and not dialog.has_lost_bye:
                self._lose_bye(dialog)
                return
            self._end(dialog)
        elif isinstance(transaction, InviteClientTransaction):
            self._reinvite_answered(transaction, pending, response)
            self._refreshed(dialog, status, response, now)
        elif pending.method == "UPDATE":
            if status in (405, 501):
                dialog.peer_updates = False  # RFC 3261 21.4.6, 21.5.2: it will be a re-INVITE
                self._refresh(dialog, now)
            else:
                self._refreshed(dialog, status, response, now)
        elif response is None or status >= 300 or _declines_subscription(response):
            dialog.transfers.pop(pending.cseq, None)
        self.tell_completed(dialog.id, pending.request_id, pending.method, status, response)

    def _lose_bye(self, dialog: Dialog) -> None:
        """A BYE that arrives twice does no harm, one that never does leaves the peer in the call (RFC 3263 4.3: after a
        transport failure the request is sent again, as a transaction of its own)."""
        dialog.step(DialogInput.BYE_LOST)
        dialog.has_lost_bye = True
        self._wire.tell(ByeLost(dialog=dialog.id))

    def _refresh(self, dialog: Dialog, now: float) -> None:
        """UPDATE without an offer, where that can be done at once."""
        if dialog.state is not DialogState.CONFIRMED:
            return
        if dialog.peer_updates and self._wire.is_open(dialog.flow):
            self.refresh(dialog, b"", now)
        else:
            self._wire.tell(RefreshDue(dialog=dialog.id, needs_offer=not dialog.peer_updates))

    def _refresh_later(self, timer: SessionTimer, now: float) -> None:
        """RFC 3261 14.1: who did not make the Call-ID waits "between 0 and 2 seconds in units of 10 ms"."""
        timer.refresh_again(now + self._ids.number(16) % 201 / 100)
        self._layer.queue.arm(timer)

    def _reinvite_answered(
        self, transaction: InviteClientTransaction, pending: Pending, response: Response | None
    ) -> None:
        """Every 2xx gets its ACK (RFC 3261 13.2.2.4), also when the call was hung up in the meantime."""
        dialog = pending.dialog
        if response is None or response.status >= 300:
            dialog.exchange.step(ExchangeInput.ABANDONED)
            return
        ack = dialog.build_ack(pending.cseq, via=self._via(dialog.flow, MAGIC_COOKIE + self._ids.token(16)))
        self._layer.acknowledge(transaction, ack)
        dialog.exchange.step(ExchangeInput.ANSWER_RECEIVED if response.body else ExchangeInput.ABANDONED)
        self._wire.tell(RefreshAnswered(dialog=dialog.id, body=response.body))

    def _refreshed(self, dialog: Dialog, status: int, response: Response | None, now: float) -> None:
        """Our refresh has its answer (RFC 4028 7.2, 7.3, 10)."""
        timer = dialog.session_timer
        if timer is None or dialog.state is not DialogState.CONFIRMED:
            return
        if status in (408, 481):
            timer.stop()
            self._wire.tell(SessionTimedOut(dialog=dialog.id))
        elif status == 491 or response is None:  # glare, or the connection closed: the next one finds another
            self._refresh_later(timer, now)
        elif response is not None and status == 422:
            least = min_se(response) or 0
            if least > timer.interval:
                timer.interval = least
                self._refresh(dialog, now)
        elif response is not None and status < 300:
            try:
                # RFC 3261 12.2.1.2: a 2xx to a target refresh request replaces the remote target
                dialog.remote_target = read_target(response) or dialog.remote_target
                said = session_expires(response)
            except SipError:
                said = None
            interval, refresher = said or (timer.interval, "uac")
            self._keep_time(dialog, interval, refreshes=refresher != "uas", now=now)

    def _keep_time(self, dialog: Dialog, interval: int | None, *, refreshes: bool, now: float) -> None:
        if dialog.session_timer is not None:
            dialog.session_timer.stop()
            dialog.session_timer = None
        if interval is not None:
            timer = SessionTimer(dialog=dialog.id, interval=interval, refreshes=refreshes, now=now)
            dialog.session_timer = timer
            self._layer.queue.arm(timer)

    def _end(self, dialog: Dialog) -> None:
        dialog.step(DialogInput.BYE_COMPLETED)
        self._dialogs.drop(dialog)

    def _next_id(self) -> RequestId:
        self._count += 1
        return RequestId(self._count)


def _declines_subscription(response: Response) -> bool:
    """RFC 4488 4: `Refer-Sub: false` in the 2xx says that no NOTIFY will come."""
    return (response.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"
