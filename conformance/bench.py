"""What a check works with: phones, REST, sidebands and the webhook receiver, all led to one target and cleaned up."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, NoReturn, Self

from .client.call import Call
from .client.errors import CallRefused, FarEndError, WaitTimeout
from .client.events import EventStream, ReceivedEvent
from .client.phone import Phone
from .client.rest import RestAnswer, RestClient
from .client.sideband import Sideband
from .client.webhook_receiver import Delivery, WebhookReceiver
from .client.webrtc import WebRtcCall
from .requirement import Requirement
from .target import Access, Clock
from .tolerance import Tolerances
from .verdict import Note, Violation

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime", "instructions": "You are a support agent."}
INCOMING = "realtime.call.incoming"


class Bench:
    """One check's tools. Use it as `async with`; everything that it opened is closed at the end, whatever happened."""

    def __init__(self, access: Access, tolerances: Tolerances, requirement: Requirement) -> None:
        self.access = access
        self.within = tolerances
        self.requirement = requirement
        self.steps: list[tuple[float, str]] = []
        self._stack = AsyncExitStack()
        self._phones: dict[str, Phone] = {}
        self._rest: RestClient | None = None
        self.calls: list[Call] = []
        self.sidebands: list[Sideband] = []
        self.web_calls: list[WebRtcCall] = []
        self._placed: list[RestAnswer] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in self.calls:
            if not call.is_over:
                await self._end(call)
        for web_call in self.web_calls:
            await web_call.hang_up()
        for answer in self._placed:
            await self._hang_up(answer)
        await self._stack.aclose()

    # Judging

    def expect(self, condition: object, expected: str, actual: object) -> None:
        """Go on if the condition holds; else the requirement fails with both sentences."""
        if not condition:
            raise Violation(expected, f"got {actual}")

    def fail(self, expected: str, actual: object) -> NoReturn:
        """The requirement fails."""
        raise Violation(expected, f"got {actual}")

    def note(self, seen: str) -> NoReturn:
        """A CHOICE's check ends with what it saw."""
        raise Note(seen)

    # Tools

    @property
    def transport(self) -> str:
        """The transport that most checks use: TLS where there is one, as the service documents only that."""
        return next(kind for kind in ("tls", "tcp", "udp") if kind in self.access.sip)

    async def phone(self, transport: str | None = None, **options: Any) -> Phone:
        """A phone on that transport; the same one for the same call of this method without options."""
        transport = transport or self.transport
        if not options and transport in self._phones:
            return self._phones[transport]
        phone = Phone(ca_file=self.access.ca_file, **options)
        await self._stack.enter_async_context(phone)
        if not options:
            self._phones[transport] = phone
        return phone

    async def rest(self, api_key: str | None = None, **options: Any) -> RestClient:
        """A REST client with the project's key, or with another one."""
        if api_key is None and not options and self._rest is not None:
            return self._rest
        client = RestClient(
            self.access.base_url,
            self.access.api_key if api_key is None else api_key,
            ca_file=self._http_ca_file,
            timeout=self.within.answer,
            **options,
        )
        await self._stack.enter_async_context(client)
        if api_key is None and not options:
            self._rest = client
        return client

    @property
    def receiver(self) -> WebhookReceiver:
        if self.access.receiver is None:
            raise AssertionError(f"{self.requirement.id} needs webhooks and does not say so")
        return self.access.receiver

    @property
    def clock(self) -> Clock:
        if self.access.clock is None:
            raise AssertionError(f"{self.requirement.id} needs a clock and does not say so")
        return self.access.clock

    # Calls

    async def dial(self, transport: str | None = None, *, phone: Phone | None = None, **options: Any) -> Call:
        """A caller dials; nothing is awaited."""
        transport = transport or self.transport
        phone = phone or await self.phone(transport)
        self.access.before_call()
        call = await phone.dial(self.access.sip[transport], **{"from_": "+14255550112", **options})
        self.calls.append(call)
        return call

    async def ring(self, transport: str | None = None, **options: Any) -> tuple[Call, str]:
        """A caller dials, and the application is told: the call, and its id from the webhook."""
        call = await self.dial(transport, **options)
        delivery = await self.delivery_of(call)
        self.expect(delivery.call_id, "a call_id in the webhook", delivery.event)
        return call, delivery.call_id

    async def delivery_of(self, call: Call, *, count: int = 1, timeout: float | None = None) -> Delivery:
        """The webhook delivery number `count` about that call."""
        return await self.receiver.wait_for(
            INCOMING,
            where=lambda delivery: delivery_names(delivery, call),
            count=count,
            timeout=self.within.webhook if timeout is None else timeout,
        )

    async def connect(self, transport: str | None = None, *, session: Any = None, **options: Any) -> tuple[Call, str]:
        """A call that was accepted and answered."""
        call, call_id = await self.ring(transport, **options)
        answer = await (await self.rest()).accept(call_id, SESSION if session is None else session)
        self.expect(answer.status == 200, "200 to accept", describe(answer))
        try:
            await call.answered(timeout=self.within.answer)
        except CallRefused as error:
            self.fail("the accepted call to be answered with 200", error)
        return call, call_id

    # WebRTC

    async def offer(self, **options: Any) -> tuple[WebRtcCall, str]:
        """A caller over WebRTC, and the SDP of its offer; `options` are those of `WebRtcCall`."""
        call = WebRtcCall(**options)
        self.web_calls.append(call)
        return call, await call.offer()

    async def post(self, offer: str | bytes | None, session: Any = None, **options: Any) -> RestAnswer:
        """Post an offer; `options` are those of `RestClient.create_call`, and `api_key`. A call that comes of it is
        ended with the check."""
        rest = await self.rest(options.pop("api_key", None))
        self.access.before_call()
        answer = await rest.create_call(offer, session, **options)
        self.steps.append((answer.received_at, f"POST {answer.path}: {answer.status} {describe_sdp(answer)}"))
        if answer.is_success:
            self._placed.append(answer)
        return answer

    async def place(
        self, *, session: Any = None, form: Any = None, api_key: str | None = None, **options: Any
    ) -> "WebRtcCall":
        """A WebRTC call that is connected, its data channel open; the session is `SESSION` if none is given."""
        call, offer = await self.offer(**options)
        wanted = SESSION if session is None and form != "raw" else session
        answer = await self.post(offer, wanted, form=form, api_key=api_key)
        return await self.take(call, answer)

    async def take(self, call: WebRtcCall, answer: RestAnswer) -> WebRtcCall:
        """Connect a call by the answer to its offer, or a violation that says what came instead."""
        self.expect(answer.status == 201, "201 to the offer", describe(answer))
        try:
            await call.connect(answer, timeout=self.within.connection)
        except (WaitTimeout, FarEndError) as error:
            self.fail("a connection", error)
        return call

    # Events

    async def attach(self, call_id: str, **options: Any) -> Sideband:
        """A sideband of that call. Raises `HandshakeRefused`."""
        return await self._open(call_id=call_id, **options)

    async def session(self, model: str | None = "gpt-realtime", **options: Any) -> Sideband:
        """A session of its own, without a call. Raises `HandshakeRefused`."""
        self.access.before_call()
        return await self._open(model=model, **options)

    async def event(self, sideband: EventStream, type: str, **options: Any) -> ReceivedEvent:
        """The next event of that type, or a violation that says what came instead."""
        try:
            return await sideband.wait_for(type, **{"timeout": self.within.event, **options})
        except (WaitTimeout, FarEndError) as error:
            self.fail(f"the event {type}", error)

    def watch(self, waiting: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Wait for something while the check goes on. It is cancelled at the check's end."""
        task = asyncio.ensure_future(waiting)
        self._stack.callback(task.cancel)
        return task

    async def nothing(self, happens: "asyncio.Future[Any]", seconds: float | None = None) -> bool:
        """Whether the awaited thing stays away for as long as silence has to last. It is cancelled then."""
        _, pending = await asyncio.wait([happens], timeout=self.within.silence if seconds is None else seconds)
        for future in pending:
            future.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return bool(pending)

    # Private

    async def _open(self, **options: Any) -> Sideband:
        mine = {"api_key": self.access.api_key, "timeout": self.within.answer, "ca_file": self._http_ca_file}
        sideband = await Sideband.open(self.access.base_url, **{**mine, **options})
        await self._stack.enter_async_context(sideband)
        self.sidebands.append(sideband)
        return sideband

    @property
    def _http_ca_file(self) -> str | None:
        return self.access.ca_file if self.access.base_url.startswith("https") else None

    async def _hang_up(self, answer: RestAnswer) -> None:
        call_id = (answer.header("Location") or "").rpartition("/")[2]
        if not call_id:
            return
        try:
            await (await self.rest()).hangup(call_id, timeout=self.within.bye)
        except (FarEndError, TimeoutError):
            return  # it was judged before

    async def _end(self, call: Call) -> None:
        try:
            if call.final_status is None:
                await call.cancel(timeout=self.within.bye)
            else:
                await call.hang_up(timeout=self.within.bye)
        except (FarEndError, TimeoutError):
            return  # the check has judged already; whoever does not answer a BYE is not judged here


def delivery_names(delivery: Delivery, call: Call) -> bool:
    """Whether a webhook is about that call: by the Call-ID among its SIP headers."""
    data = (delivery.event or {}).get("data")
    headers = data.get("sip_headers") if isinstance(data, dict) else None
    if not isinstance(headers, list):
        return False
    return any(
        isinstance(header, dict)
        and str(header.get("name", "")).lower() in ("call-id", "i")
        and header.get("value") == call.id
        for header in headers
    )


def describe(answer: RestAnswer) -> str:
    """An HTTP answer in one line."""
    return f"{answer.status} {answer.reason} {answer.body[:200].decode('utf-8', 'replace')}".strip()


def describe_sdp(answer: RestAnswer) -> str:
    """The answer to an offer in one line."""
    return answer.body[:3000].decode("utf-8", "replace").replace("\r", "").replace("\n", " | ")
