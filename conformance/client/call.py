"""One call of the phone: from its INVITE to its end, with its sound. Made by `Phone.dial`."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import sdp
from .codecs import CodecName
from .dialog import Dialog
from .ear import Ear, Listener
from .errors import CallEnded, CallRefused, FarEndError, ProtocolViolation, TransactionTimeout, UsageError
from .g711 import Samples
from .media import MediaSession
from .messages import ALLOW, METHODS, Request, Response, ack_of_failure, cancel_of, summary, tag_of, uri_of
from .records import MessageLog, ReceivedRequest, ReceivedResponse, ReferPlan
from .sip_transport import Link
from .srtp import Crypto
from .transactions import ResponseReceived, Transaction, TransactionFailed
from .watch import DECISION, END, FINAL_RESPONSE, SPEECH, Watch

if TYPE_CHECKING:
    from .phone import Phone

SDP_TYPE = ("Content-Type", "application/sdp")
EndedBy = Literal["caller", "callee", "refused", "cancelled", "failed"]


class CallState(Enum):
    CALLING = "calling"
    RINGING = "ringing"  # a provisional response above 100 has come
    ANSWERED = "answered"
    LEAVING = "leaving"  # our BYE is on its way
    ENDED = "ended"


class Call(Listener):
    """An outgoing call. Every wait ends by what was waited for, by a typed error, or by `WaitTimeout`.

    `responses` are those to the INVITE; `messages` is everything on the wire of this call; `requests` what the far end
    asked for in it.
    """

    def __init__(
        self,
        phone: "Phone",
        *,
        link: Link,
        invite: Request,
        media: MediaSession,
        watch: Watch,
        codecs: Sequence[CodecName],
        acknowledges: bool,
        refer_plan: ReferPlan,
    ) -> None:
        self._phone = phone
        self.link = link
        self.invite = invite
        self.media = media
        self.codecs = tuple(codecs)
        self.acknowledges = acknowledges
        self.on_refer = refer_plan
        self.state = CallState.CALLING
        self.responses: list[ReceivedResponse] = []
        self.requests: list[ReceivedRequest] = []
        self.messages = MessageLog()
        self.violations: list[ProtocolViolation] = []
        self.dialog: Dialog | None = None
        self.answer: sdp.AudioAnswer | None = None
        self.failure: FarEndError | None = None
        self.ended_by: EndedBy | None = None
        self._acks: dict[tuple[str | None, int], Request] = {}
        self._early_sequence = 0
        self._wants_cancel = False
        self._cancelled = False
        self._choice: tuple[CodecName, ...] | None = None if invite.body else self.codecs
        """Of which codecs an ACK chooses that answers an offer."""
        self.planned: dict[str, list[int]] = {}
        """Statuses that the next requests of a method from the far end get, in place of the usual ones."""
        self.watch = watch

    # -- what happened

    @property
    def id(self) -> str:
        """The SIP Call-ID."""
        return self.invite.headers["Call-ID"]

    @property
    def final_status(self) -> int | None:
        """The status of the first final response to the INVITE."""
        return next((each.status for each in self.responses if each.status >= 200), None)

    @property
    def digits(self) -> str:
        """The keys that the far end pressed."""
        return "".join(self.media.digits)

    @property
    def stalls(self) -> int:
        return self.media.stalls

    # -- waiting

    async def wait_for_status(self, status: int, timeout: float = DECISION) -> ReceivedResponse:
        """The first response with that status. Raises `CallRefused` or `CallEnded` when another final one came."""

        def found() -> ReceivedResponse | None:
            for each in self.responses:
                if each.status == status:
                    return each
            self._raise_failure()
            final = next((each for each in self.responses if each.status >= 200), None)
            if final is not None:
                raise (
                    CallRefused(final.status, final.reason)
                    if final.status >= 300
                    else CallEnded(f"no {status}: the call was answered {final.status}")
                )
            return None

        return await self._until(found, timeout, f"{status} response")

    async def final_response(self, timeout: float = FINAL_RESPONSE) -> ReceivedResponse:
        """The first final response, whichever it is."""

        def found() -> ReceivedResponse | None:
            final = next((each for each in self.responses if each.status >= 200), None)
            if final is None:
                self._raise_failure()
            return final

        return await self._until(found, timeout, "final response")

    async def answered(self, timeout: float = DECISION) -> sdp.AudioAnswer:
        """What the far end answered, once it has. Raises `CallRefused` with the status when it refused."""

        def found() -> sdp.AudioAnswer | None:
            if self.answer is not None:
                return self.answer
            self._raise_failure()
            final = next((each for each in self.responses if each.status >= 200), None)
            if final is not None:
                raise CallRefused(final.status, final.reason)
            return None

        return await self._until(found, timeout, "answer")

    async def wait_for_digits(self, digits: str, timeout: float = SPEECH) -> None:
        """Return when the far end has pressed these keys, whatever came before."""

        def found() -> bool:
            if digits not in self.digits:
                self._raise_ended(f"the keys {digits} were heard")
            return digits in self.digits

        await self._until(found, timeout, f"keys {digits}")

    async def wait_for_request(self, method: str, timeout: float = DECISION) -> ReceivedRequest:
        """The first request of that method from the far end in this call: REFER, BYE, INFO …"""

        def found() -> ReceivedRequest | None:
            hit = next((each for each in self.requests if each.method == method), None)
            if hit is None:
                self._raise_ended(f"a {method} came")
            return hit

        return await self._until(found, timeout, f"{method} from the far end")

    async def wait_for_refer(self, timeout: float = DECISION) -> str:
        """The URI of the first REFER, as it was written."""
        return uri_of((await self.wait_for_request("REFER", timeout)).message.headers.get("Refer-To") or "")

    async def ended(self, timeout: float = END) -> EndedBy:
        """Who ended the call. Never raises what made it fail: that is in `failure`."""
        return await self._until(lambda: self.ended_by, timeout, "end of the call")

    # -- doing

    async def say(self, text: str) -> None:
        """Say a text as tonecode; return when it has been played."""
        await self._mouth.say(text)

    async def play(self, sound: Samples | str | Path) -> None:
        """Play samples (8 kHz) or a WAV file; return when it has been played."""
        await self._mouth.play(sound)

    async def press(self, digits: str, *, duration_ms: int = 100) -> None:
        """Press keys (RFC 4733), `,` is a pause; return when the last one was released."""
        await self._mouth.press(digits, duration_ms=duration_ms)

    def stop_playing(self) -> None:
        self.media.stop_playing()

    async def hang_up(self, timeout: float = FINAL_RESPONSE) -> None:
        """BYE, and wait for its response; CANCEL before the answer; nothing after the end."""
        if self.state in (CallState.CALLING, CallState.RINGING):
            await self.cancel(timeout)
        elif self.state is CallState.ANSWERED:
            await self._leave(timeout)
        else:
            await self.ended(timeout)

    async def cancel(self, timeout: float = FINAL_RESPONSE) -> None:
        """CANCEL, as soon as a response has come, and wait for the end of the call.

        A 2xx that crosses the CANCEL is acknowledged and ended by BYE.
        """
        if self.state not in (CallState.CALLING, CallState.RINGING):
            raise UsageError(f"a call can be cancelled until it is answered; this one is {self.state.value}")
        self._wants_cancel = True
        if self.responses:
            self._send_cancel()
        await self._until(lambda: self.ended_by, timeout, "end of the cancelled call")

    def acknowledge(self) -> None:
        """Send the ACK that `acknowledges=False` held back."""
        acks = list(self._acks.values())
        acks += [ack_of_failure(self.invite, each.message) for each in self.responses if each.status >= 300]
        if not acks:
            raise UsageError("there is no final response to acknowledge yet")
        for ack in acks:
            self._phone.send_ack(ack, self.link)

    async def request(
        self,
        method: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        replace: Mapping[str, str | None] | None = None,
        timeout: float = FINAL_RESPONSE,
    ) -> Response:
        """Any request inside the dialog, and its final response. A 2xx to a re-INVITE is acknowledged."""
        request = self._in_dialog(method, headers=headers, body=body, replace=replace)
        response = await self._phone.transact(request, self.link, timeout=timeout, succeeded=self._reinvite_succeeded)
        if method == "BYE":
            self.end("caller")
        return response

    async def reoffer(
        self,
        direction: str = "sendrecv",
        *,
        method: str = "INVITE",
        codecs: Sequence[CodecName] | None = None,
        rewrite: Callable[[bytes], bytes] = lambda offer: offer,
        timeout: float = FINAL_RESPONSE,
    ) -> Response:
        """A new offer, by re-INVITE or UPDATE: `sendonly` and `inactive` hold, `sendrecv` resumes.

        `rewrite` changes the offer on its way out: another address, or nonsense.
        """
        codecs = self.codecs if codecs is None else tuple(codecs)
        offer = rewrite(self._describe_session(codecs, direction))
        response = await self.request(method, headers=[SDP_TYPE], body=offer, timeout=timeout)
        if response.code < 300:
            self.answer = sdp.read_answer(response.body, codecs)
            self.media.start(self.answer)
        return response

    async def prack(self, ringing: ReceivedResponse, *, offset: int = 0, timeout: float = FINAL_RESPONSE) -> Response:
        """PRACK a reliable response (RFC 3262 4). `offset` names another RSeq than its own."""
        dialog = self.dialog or Dialog(self.invite, ringing.message, is_caller=True)
        sequence = int(ringing.message.headers.get("RSeq") or 0) + offset
        rack = ("RAck", f"{sequence} {self.invite.headers['CSeq']}")
        request = dialog.request("PRACK", via=self._phone.via(self.link), headers=[rack])
        self._early_sequence = dialog.local_sequence
        return await self._phone.transact(request, self.link, timeout=timeout)

    async def ask_for_offer(
        self, *, codecs: Sequence[CodecName] | None = None, timeout: float = FINAL_RESPONSE
    ) -> Response:
        """A re-INVITE without an offer: the 200 brings theirs, our ACK chooses of `codecs` (RFC 3261 14.2)."""
        self._choice = self.codecs if codecs is None else tuple(codecs)
        try:
            return await self.request("INVITE", timeout=timeout)
        finally:
            self._choice = None

    # -- what the phone tells us

    def response_received(self, event: ResponseReceived | TransactionFailed) -> None:
        """A response to the INVITE, or its transaction's failure."""
        if isinstance(event, TransactionFailed):
            self.fail(TransactionTimeout(event.reason))
            return
        response = event.response
        self.responses.append(
            ReceivedResponse(at=self._phone.now(), status=response.code, reason=response.phrase, message=response)
        )
        if response.code < 200:
            self._provisional(response)
        elif response.code < 300:
            self._success(response)
        elif self.state in (CallState.CALLING, CallState.RINGING):
            self.end("cancelled" if self._cancelled else "refused")
        self.watch.changed()

    def request_received(self, transaction: Transaction) -> None:
        """A request of the far end in this dialog."""
        request = transaction.request
        status = 200
        if request.method == "REFER":
            status = self.on_refer.status
        elif request.method not in METHODS or request.method in ("CANCEL", "ACK"):
            status = 405
        if self.planned.get(request.method):
            status = self.planned[request.method].pop(0)
        headers: list[tuple[str, str]] = []
        body = b""
        if request.method in ("INVITE", "UPDATE") and request.body and status < 300:
            assert self.dialog is not None
            self.dialog.update_target(request)
            body = self._describe_session((self.answer.codec,) if self.answer else self.codecs)
            headers.append(SDP_TYPE)
        interval = request.headers.get("Session-Expires")
        if request.method in ("INVITE", "UPDATE") and status < 300 and interval is not None:
            headers.append(("Session-Expires", interval))
        if request.method in ("INVITE", "REFER", "UPDATE"):
            headers.insert(0, ("Contact", self._phone.contact(self.link)))
        if status == 405:
            headers.append(("Allow", ALLOW))
        self.requests.append(
            ReceivedRequest(at=self._phone.now(), method=request.method, message=request, status=status)
        )
        self._phone.respond(transaction, status, headers=headers, body=body)
        if request.method == "BYE":
            self.end("callee")
        elif request.method == "REFER" and status < 300:
            self._phone.spawn(self._follow_refer(request))
        self.watch.changed()

    def fail(self, error: FarEndError) -> None:
        """The call can't go on; whoever waits gets the error."""
        if self.state is not CallState.ENDED:
            self.failure = error
            self.end("failed")

    def end(self, by: EndedBy) -> None:
        if self.state is CallState.ENDED:
            return
        self.state = CallState.ENDED
        self.ended_by = by
        self.media.stop()
        self.watch.changed()

    @property
    def is_over(self) -> bool:
        return self.state is CallState.ENDED

    @property
    def ear(self) -> Ear:
        return self.media.ear

    # -- private

    @property
    def _mouth(self) -> MediaSession:
        self._raise_ended("anything was said")
        return self.media

    def _provisional(self, response: Response) -> None:
        if response.code > 100 and self.state is CallState.CALLING:
            self.state = CallState.RINGING
        if self._wants_cancel:
            self._send_cancel()

    def _success(self, response: Response) -> None:
        if self._acknowledge_again(response):
            return
        is_first = self.dialog is None
        dialog = Dialog(self.invite, response, is_caller=True)
        if is_first:
            self.dialog = dialog
            dialog.local_sequence = max(dialog.local_sequence, self._early_sequence)
        self._send_ack(response, dialog)
        if not is_first:
            # 13.2.2.4: another branch of a fork has answered as well.
            self._phone.forget(dialog.request("BYE", via=self._phone.via(self.link)), self.link)
            return
        self.state = CallState.ANSWERED
        self._choice = None
        try:
            self.answer = sdp.read_answer(response.body, self.codecs)
            self.media.start(self.answer)
        except ProtocolViolation as error:
            self.failure = error
            self._phone.spawn(self._leave(FINAL_RESPONSE, by="failed"))
            return
        if self._wants_cancel:
            self._phone.spawn(self._leave(FINAL_RESPONSE))

    def _reinvite_succeeded(self, response: Response) -> None:
        if response.cseq.method == "INVITE" and self.dialog is not None and not self._acknowledge_again(response):
            self.dialog.update_target(response)
            self._send_ack(response, self.dialog)

    def _acknowledge_again(self, response: Response) -> bool:
        # 13.2.2.4: a 2xx that comes again means that the ACK was lost.
        ack = self._acks.get((tag_of(response.headers["To"]), response.cseq.sequence))
        if ack is not None and self.acknowledges:
            self._phone.send_ack(ack, self.link)
        return ack is not None

    def _send_ack(self, response: Response, dialog: Dialog) -> None:
        sequence = response.cseq.sequence
        headers: list[tuple[str, str]] = []
        body = b""
        if self._choice is not None and response.body:
            with contextlib.suppress(ProtocolViolation):  # who reads the response says so
                self.answer = sdp.read_answer(response.body, self._choice)
                crypto = self.media.keys.answer(self.answer.crypto)
                self.media.start(self.answer)
                body = self._describe_session((self.answer.codec,), crypto=crypto)
                headers.append(SDP_TYPE)
        ack = dialog.request("ACK", via=self._phone.via(self.link), sequence=sequence, headers=headers, body=body)
        self._acks[tag_of(response.headers["To"]), sequence] = ack
        if self.acknowledges:
            self._phone.send_ack(ack, self.link)

    def _describe_session(
        self, codecs: Sequence[CodecName], direction: str = "sendrecv", crypto: Sequence[Crypto] | None = None
    ) -> bytes:
        """An offer, or the answer that chooses those codecs and has that key."""
        return sdp.build_offer(
            address=self._phone.media_address(self.link),
            port=self.media.port,
            codecs=codecs,
            session_id=self.media.port,
            version=len(self.messages),
            direction=direction,
            crypto=self.media.keys.offer() if crypto is None else crypto,
        )

    def _send_cancel(self) -> None:
        if self._cancelled or self.state not in (CallState.CALLING, CallState.RINGING):
            return
        self._cancelled = True
        self._phone.forget(cancel_of(self.invite), self.link)

    async def _leave(self, timeout: float, by: EndedBy = "caller") -> None:
        self.state = CallState.LEAVING
        self.media.stop()
        try:
            await self._phone.transact(self._in_dialog("BYE"), self.link, timeout=timeout)
        except FarEndError as error:
            self.failure = self.failure or error
        self.end(by)

    async def _follow_refer(self, refer: Request) -> None:
        plan = self.on_refer
        event = f"refer;id={refer.cseq.sequence}"
        for index, status in enumerate(plan.notifies):
            is_last = index == len(plan.notifies) - 1
            state = "terminated;reason=noresource" if is_last else "active;expires=60"
            fragment = f"SIP/2.0 {status} {'Trying' if status == 100 else 'OK' if status == 200 else 'Failed'}\r\n"
            headers = [("Event", event), ("Subscription-State", state), ("Content-Type", "message/sipfrag;version=2.0")]
            if self.is_over:
                return
            await self.request("NOTIFY", headers=headers, body=fragment.encode())
        if plan.hangs_up and self.state is CallState.ANSWERED:
            await self._leave(FINAL_RESPONSE)

    def _in_dialog(
        self,
        method: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        replace: Mapping[str, str | None] | None = None,
    ) -> Request:
        if self.dialog is None:
            raise UsageError(f"{method} needs a dialog: the call has not been answered")
        contact = self._phone.contact(self.link) if method in ("INVITE", "UPDATE", "NOTIFY", "REFER") else None
        return self.dialog.request(
            method, via=self._phone.via(self.link), contact=contact, headers=headers, body=body, replace=replace
        )

    def _describe(self) -> str:
        said = [f"{each.text!r}{'' if each.complete else ' (broken off)'}" for each in self.hearings]
        parts = [f"a call that is {self.state.value}", ", ".join(summary(each.message) for each in self.responses)]
        parts += [f"requests {[each.method for each in self.requests]}"] if self.requests else []
        parts += [f"heard {', '.join(said)}"] if said else []
        parts += [f"violations {[str(each) for each in self.violations]}"] if self.violations else []
        return "; ".join(part for part in parts if part)

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.is_over and self.final_status is None:
            raise CallEnded(f"the call ended ({self.ended_by}) without a final response")

    def _failed(self) -> FarEndError | None:
        return self.failure

    def _ended_how(self) -> str:
        return str(self.ended_by)
