"""The UAC side: BYE and REFER inside a dialog, the responses to them, and what becomes of those."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FlowGone, WrongState
from ..ids import Ids
from .automatic import HeaderItems
from .client_transaction import ClientTransaction
from .dialog import Dialog, DialogInput, DialogState
from .dialogs import Dialogs
from .events import DialogId, Flow, MessageDropped, RequestCompleted, RequestId
from .message import Response
from .refer import refer_to
from .transaction import MAGIC_COOKIE
from .transaction_layer import TransactionLayer
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
    ) -> None:
        self._wire = wire
        self._layer = layer
        self._dialogs = dialogs
        self._ids = ids
        self._contact = contact
        self._identity: HeaderItems = [] if user_agent is None else [("User-Agent", user_agent)]
        self._pending: dict[ClientTransaction, Pending] = {}
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
            self._end(dialog)
            self.tell_completed(dialog.id, request_id, "BYE", 503)

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

    # Responses, time, and the end of connections

    def receive_response(self, flow: Flow, response: Response, now: float) -> None:
        """A response that answers nothing of ours is dropped, and told as that."""
        transaction, is_news = self._layer.receive_response(response, now)
        if transaction is None:
            reason = f"{response.summary}: no transaction of ours has this branch and method"
            self._wire.tell(MessageDropped(flow=flow, reason=reason, message=response))
        elif is_news and response.status >= 200:
            self._complete(transaction, response.status, response)

    def fail(self, transaction: ClientTransaction) -> None:
        """The transaction ended without a final response."""
        if transaction.failure is None:
            raise AssertionError("a client transaction without a final response has failed")
        self._complete(transaction, transaction.failure, None)

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

    def _send(self, dialog: Dialog, method: str, headers: HeaderItems, request_id: RequestId, now: float) -> int:
        flow = dialog.flow
        branch = MAGIC_COOKIE + self._ids.token(16)
        contact = Uri.parse(self._contact(flow))  # RFC 3261 18.1.1: sent-by is where responses would reach us
        port = "" if contact.port is None else f":{contact.port}"
        via = f"SIP/2.0/{flow.transport.upper()} {contact.host}{port};branch={branch};rport"
        request = dialog.build_request(method, via=via, headers=headers + self._identity)
        cseq = request.cseq.number
        transaction = self._layer.start_client((branch, method), request, flow, dialog.destination, now)
        self._pending[transaction] = Pending(dialog=dialog, request_id=request_id, method=method, cseq=cseq)
        return cseq

    def _complete(self, transaction: ClientTransaction, status: int, response: Response | None) -> None:
        pending = self._pending.pop(transaction)
        dialog = pending.dialog
        if pending.method == "BYE":
            self._end(dialog)
        elif response is None or status >= 300 or _declines_subscription(response):
            dialog.transfers.pop(pending.cseq, None)
        self.tell_completed(dialog.id, pending.request_id, pending.method, status, response)

    def _end(self, dialog: Dialog) -> None:
        dialog.step(DialogInput.BYE_COMPLETED)
        self._dialogs.drop(dialog)

    def _next_id(self) -> RequestId:
        self._count += 1
        return RequestId(self._count)


def _declines_subscription(response: Response) -> bool:
    """RFC 4488 4: `Refer-Sub: false` in the 2xx says that no NOTIFY will come."""
    return (response.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"
