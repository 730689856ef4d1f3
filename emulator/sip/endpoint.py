"""The SIP endpoint: bytes of flows go in, events and bytes come out. It answers calls and never makes one.

What a request is, which transaction absorbs it, what is answered on the spot: `uas`. What waits for a decision:
`invites`. Our own requests: `uac`.
"""

from collections.abc import Callable, Iterable

from ..errors import SipError, UsageError
from ..ids import Ids
from .acceptance import Acceptance
from .dialog import Dialog, DialogState
from .dialogs import Dialogs
from .events import (
    DialogId,
    Flow,
    FlowFailed,
    InviteId,
    MessageDropped,
    MessageReceived,
    RequestId,
    SipEvent,
    Transmission,
)
from .invites import Invites
from .message import Request, Response
from .parser import is_keep_alive, parse_datagram
from .reliable_provisional import ReliableProvisional
from .responder import Responder
from .session_timer import SessionTimer, SessionTimerPolicy
from .timers import Timers
from .transaction_layer import TransactionLayer
from .uac import Uac
from .uas import Uas
from .way import Way, way_to
from .wire import Stream, Wire

KEEP_ALIVE_ANSWER = b"\r\n"


class SipEndpoint:
    """Feed it, call `next_event()` until it returns None, send `data_to_send()`, then look at `next_deadline()`.

    `contact(flow)` is the URI of our Contact header for who comes by that flow. `transaction_limit` and `dialog_limit`
    bound what a flood can make us remember: above them requests get 503. A message has at most `message_limit`
    bytes and `field_limit` header fields, and on a stream `message_timeout` seconds to be complete. `rings_reliably`:
    provisional responses are reliable (RFC 3262) where the caller supports that; where it requires it they always are.
    """

    def __init__(
        self,
        *,
        ids: Ids,
        timers: Timers,
        contact: Callable[[Flow], str],
        user_agent: str | None = None,
        register_status: int = 200,
        message_limit: int = 65536,
        field_limit: int = 1000,
        message_timeout: float = 30.0,
        transaction_limit: int = 400_000,
        dialog_limit: int = 100_000,
        rings_reliably: bool = False,
        session_timers: SessionTimerPolicy | None = None,
    ) -> None:
        session_timers = session_timers or SessionTimerPolicy()
        self._message_limit = message_limit
        self._field_limit = field_limit
        self._message_timeout = message_timeout
        self._wire = Wire(message_limit=message_limit, field_limit=field_limit)
        self._layer = TransactionLayer(wire=self._wire, timers=timers, limit=transaction_limit)
        self._dialogs = Dialogs(wire=self._wire, limit=dialog_limit)
        self._uac = Uac(
            wire=self._wire,
            layer=self._layer,
            dialogs=self._dialogs,
            ids=ids,
            contact=contact,
            user_agent=user_agent,
            session_timers=session_timers,
        )
        self._responder = Responder(wire=self._wire, layer=self._layer, ids=ids, user_agent=user_agent)
        self._invites = Invites(
            wire=self._wire,
            layer=self._layer,
            dialogs=self._dialogs,
            uac=self._uac,
            responder=self._responder,
            timers=timers,
            contact=contact,
            rings_reliably=rings_reliably,
        )
        self._uas = Uas(
            wire=self._wire,
            layer=self._layer,
            dialogs=self._dialogs,
            invites=self._invites,
            uac=self._uac,
            responder=self._responder,
            ids=ids,
            contact=contact,
            register_status=register_status,
            session_timers=session_timers,
        )

    # Input: what the network says

    def flow_opened(self, flow: Flow, now: float) -> None:
        """A connection is there. For UDP this does nothing: every datagram brings its flow."""
        self._wire.open(flow)

    def flow_closed(self, flow: Flow, now: float) -> None:
        """A connection is gone: undecided INVITEs on it are lost, our requests on it fail, its dialogs live on.

        For UDP this does nothing.
        """
        stream = self._wire.close(flow)
        if stream is None:
            return
        invites = self._invites.lose_stream(stream)
        for transaction in self._layer.lose_stream(stream):
            self._uac.fail(transaction, now)
        dialogs = tuple(sorted(dialog for dialog in stream.dialogs if self._dialogs.get(dialog) is not None))
        if dialogs or invites:
            self._wire.tell(FlowFailed(flow=flow, dialogs=dialogs, invites=invites))

    def receive_data(self, flow: Flow, data: bytes, now: float) -> None:
        """One datagram, or the next bytes of an open stream. Whatever they are, nothing is raised for them."""
        if flow.is_reliable:
            stream = self._wire.stream(flow)
            if stream is None:
                raise UsageError(f"bytes of flow {flow.id}, which is not open")
            self._receive_stream(stream, data, now)
        else:
            self._receive_datagram(flow, data, now)

    # Input: what the call decides

    def respond(
        self,
        invite: InviteId,
        status: int,
        *,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> None:
        """A provisional or the final response to an INVITE, re-INVITE or UPDATE.

        A 2xx carries Contact, Allow and Supported and is repeated until its ACK comes (`AckReceived`) or 64·T1 have
        passed (`AckTimeout`). Raises `FlowGone` when the connection was closed in the meantime, `WrongState` when the
        INVITE has its final response (a CANCEL or BYE may have been the reason), `UsageError` for 100 and for what is
        no status.
        """
        self._invites.respond(
            invite, status, reason=reason, headers=headers, body=body, content_type=content_type, now=now
        )

    def send_bye(self, dialog: DialogId, now: float) -> RequestId:
        """Hang up; `RequestCompleted` follows, and the dialog is gone then. Where the connection closes before that,
        `ByeLost` comes first.

        RFC 3261 §15: between our 2xx and its ACK the BYE waits here for the ACK or for 64·T1. Raises `WrongState` for
        an early dialog (decline its INVITE instead) and for the second BYE, `FlowGone` when the connection is closed:
        the dialog is gone then too, so `move_dialog` first if there is another way. `UsageError`: no such dialog.
        """
        found = self._live(dialog)
        if found.state is not DialogState.EARLY:
            self._invites.terminate_all(found, now)
        return self._uac.hang_up(found, now)

    def send_refer(self, dialog: DialogId, target_uri: str, now: float) -> RequestId:
        """Ask the peer to call `target_uri` instead; `RequestCompleted` follows, and `NotifyReceived`s.

        The target is sent byte for byte. Raises `InvalidTarget` if that can't be, `WrongState` before the ACK of our
        2xx and after a BYE, `FlowGone` when the connection is closed. Nothing was sent then.
        """
        return self._uac.refer(self._live(dialog), target_uri, now)

    def refresh(self, dialog: DialogId, offer: bytes, now: float) -> None:
        """What `RefreshDue` asks for; `offer` is empty where it needs none. Raises `FlowGone`."""
        self._uac.refresh(self._live(dialog), offer, now)

    def move_dialog(self, dialog: DialogId, flow: Flow) -> None:
        """From now on our requests in the dialog go by `flow`: a connection to `way_to(dialog)`, made anew."""
        self._dialogs.move(self._live(dialog), flow, None)

    # Output

    def next_event(self) -> SipEvent | None:
        return self._wire.next_event()

    def data_to_send(self) -> list[Transmission]:
        """What is to be written, in order. Each is given once."""
        return self._wire.data_to_send()

    # Time

    def next_deadline(self) -> float | None:
        return self._layer.queue.next_deadline()

    def handle_timer(self, now: float) -> None:
        """Do all that is due at `now`."""
        while (timed := self._layer.handle_timer(now)) is not None:
            if isinstance(timed, Acceptance):
                self._invites.repeat_acceptance(timed, now)
            elif isinstance(timed, SessionTimer):
                self._uac.handle_session_timer(timed, now)
            elif isinstance(timed, ReliableProvisional):
                self._invites.repeat_provisional(timed, now)
            elif isinstance(timed, Stream):
                self._give_up(timed)
            else:
                self._uac.fail(timed, now)

    # Queries

    def has_dialog(self, dialog: DialogId) -> bool:
        """From the INVITE on until a failure response, a BYE of theirs, or the end of ours."""
        return self._dialogs.get(dialog) is not None

    def can_reach(self, dialog: DialogId) -> bool:
        """Whether the way to the peer is open: always for UDP."""
        return self._wire.is_open(self._live(dialog).flow)

    def next_hop(self, dialog: DialogId) -> str:
        """The URI that a new connection for the dialog would be opened to: first route, else remote target."""
        return self._live(dialog).next_hop

    def way_to(self, dialog: DialogId) -> Way:
        """Where that is, when the connection is closed. Raises `FlowGone` where a connection of ours reaches nobody."""
        found = self._live(dialog)
        return way_to(found.next_hop, found.flow)

    def has_dialogs(self, flow: Flow) -> bool:
        """Whether calls hang on an open connection."""
        stream = self._wire.stream(flow)
        return stream is not None and bool(stream.dialogs)

    @property
    def idle(self) -> bool:
        """No dialog, no undecided INVITE, no unanswered request of ours. Finished transactions may still linger,
        to absorb what is repeated."""
        return not len(self._dialogs) and not self._invites.undecided_count and not self._uac.pending_count

    def describe(self) -> dict[str, int]:
        """Counts of what is alive, for leak checks and statistics."""
        return {
            "dialogs": len(self._dialogs),
            "undecided_invites": self._invites.undecided_count,
            "pending_requests": self._uac.pending_count,
            "server_transactions": self._layer.server_count,
            "client_transactions": self._layer.client_count,
            "streams": self._wire.stream_count,
        }

    # Private

    def _live(self, dialog: DialogId) -> Dialog:
        found = self._dialogs.get(dialog)
        if found is None:
            raise UsageError(f"there is no dialog {dialog}")
        return found

    def _receive_datagram(self, flow: Flow, data: bytes, now: float) -> None:
        if is_keep_alive(data):
            return
        try:
            message = parse_datagram(data, limit=self._message_limit, fields=self._field_limit)
        except SipError as error:
            self._receive_malformed(flow, data, error)
            return
        self._receive_message(flow, message, data, now)

    def _receive_stream(self, stream: Stream, data: bytes, now: float) -> None:
        flow, parser = stream.flow, stream.parser
        parser.feed(data)
        while True:
            try:
                message = parser.next_message()
            except SipError as error:
                stream.deadline = None
                self._receive_malformed(flow, b"", error)
                continue
            if message is None:
                break
            stream.deadline = None
            self._receive_message(flow, message, message.to_bytes(), now)
        if pings := parser.pings():
            self._wire.write(flow, KEEP_ALIVE_ANSWER * pings)
        if stream.deadline is None and parser.is_waiting:
            stream.deadline = now + self._message_timeout
            self._layer.queue.arm(stream)
        elif not parser.is_waiting:
            stream.deadline = None

    def _give_up(self, stream: Stream) -> None:
        """The rest of a message never came; without it there is no telling where the next one begins."""
        stream.deadline = None
        self._wire.tell(
            MessageDropped(flow=stream.flow, reason=f"a message not complete after {self._message_timeout:g} s")
        )
        self._wire.finish(stream.flow)

    def _receive_message(self, flow: Flow, message: Request | Response, data: bytes, now: float) -> None:
        self._wire.tell(MessageReceived(flow=flow, message=message, data=data))
        if isinstance(message, Response):
            self._uac.receive_response(flow, message, now)
            return
        try:
            self._uas.receive_request(flow, message, now)
        except SipError as error:
            self._wire.tell(MessageDropped(flow=flow, reason=str(error), message=message))
            self._responder.answer_statelessly(flow, message, error.status or 400)

    def _receive_malformed(self, flow: Flow, data: bytes, error: SipError) -> None:
        """Answer what could not be read, where RFC 3261 wants that; end the connection that can't be read further."""
        request = error.message_head
        self._wire.tell(MessageDropped(flow=flow, reason=str(error), data=data, message=request))
        if isinstance(request, Request) and error.status is not None:
            self._responder.answer_statelessly(flow, request, error.status)
        if error.fatal:
            self._wire.finish(flow)
