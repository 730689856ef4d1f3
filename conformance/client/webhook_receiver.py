"""A receiver of webhooks: verifies the signatures itself, keeps every delivery, answers as it is told."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from .errors import UsageError
from .watch import WEBHOOK, Watch

TOLERANCE = 300  # seconds either way, as the official SDK allows
LONGEST_BODY = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one delivery is answered: after `delay` seconds, or never when it `hangs`."""

    status: int = 200
    delay: float = 0.0
    hangs: bool = False
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One POST as it came. `headers` in the order and writing of the wire; `problem` says why it does not verify."""

    at: float
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    event: Mapping[str, Any] | None
    problem: str | None
    answer: Answer

    @property
    def verified(self) -> bool:
        return self.problem is None

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def webhook_id(self) -> str | None:
        return self.header("webhook-id")

    @property
    def type(self) -> str | None:
        kind = self.event.get("type") if self.event is not None else None
        return kind if isinstance(kind, str) else None

    @property
    def data(self) -> Mapping[str, Any]:
        """The `data` of the event, empty when there is none."""
        found = self.event.get("data") if self.event is not None else None
        return found if isinstance(found, Mapping) else {}

    @property
    def call_id(self) -> str:
        """`data.call_id`, empty when there is none."""
        return str(self.data.get("call_id", ""))


def problem_with(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str | None:
    """Why a delivery does not verify by any of the secrets, None if it does.

    Signed is `"{webhook-id}.{webhook-timestamp}.{body}"` by HMAC-SHA256 with the base64 after `whsec_`; the header is a
    list separated by spaces of `v1,<base64>` [SDK lib/_webhooks.py].
    """
    values = {name.lower(): value for name, value in headers.items()}
    missing = [each for each in ("webhook-id", "webhook-timestamp", "webhook-signature") if each not in values]
    if missing:
        return f"no {', '.join(missing)} header"
    identifier, timestamp, signatures = (
        values[each] for each in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not (timestamp.isascii() and timestamp.isdigit()):
        return f"webhook-timestamp {timestamp!r} is not a number"
    if abs(now - int(timestamp)) > TOLERANCE:
        return f"webhook-timestamp {timestamp} is {now - int(timestamp):+.0f} s away"
    signed = f"{identifier}.{timestamp}.".encode() + body
    expected = {
        base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode() for secret in secrets
    }
    given = [each.partition(",")[2] for each in signatures.split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected):
        return f"none of {len(given)} v1 signatures is by one of {len(secrets)} secrets"
    return None


class WebhookReceiver:
    """An HTTP server on a free port. Use it as `async with`; `url` is where to post.

    `secrets` may grow while it runs, e.g. after a rotation. Deliveries that do not verify are kept and answered like
    the others: what is wrong with them is in `problem`.
    """

    def __init__(
        self,
        secrets: Sequence[str] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str = "/webhook",
        tls: ssl.SSLContext | None = None,
        answer: Answer | None = None,
    ) -> None:
        self.secrets = list(secrets)
        self.answer = answer or Answer()
        self.deliveries: list[Delivery] = []
        self._script: deque[Answer] = deque()
        self._host = host
        self._port = port
        self._path = path
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()
        self._watch = Watch()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=LONGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(f"can't listen for webhooks on {self._host}:{self._port}: {error}") from error
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://{self._host}:{self._port}{self._path}"

    def script(self, *answers: Answer) -> None:
        """Answer the next deliveries like this, one each, before `answer` holds again."""
        self._script.extend(answers)

    async def wait_for(
        self,
        type: str | None = "realtime.call.incoming",
        *,
        where: Callable[[Delivery], bool] = lambda delivery: True,
        count: int = 1,
        timeout: float = WEBHOOK,
    ) -> Delivery:
        """The delivery number `count` of that type (None: any) that `where` accepts."""

        def found() -> Delivery | None:
            hits = [each for each in self.deliveries if (type is None or each.type == type) and where(each)]
            return hits[count - 1] if len(hits) >= count else None

        return await self._watch.until(
            found, timeout=timeout, what=f"webhook {type or ''} number {count}", instead=self._describe
        )

    def _describe(self) -> str:
        seen = [f"{each.type}{'' if each.verified else f' ({each.problem})'}" for each in self.deliveries]
        return f"{len(seen)} deliveries: {', '.join(seen)}" if seen else "no delivery at all"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        answer = self._script.popleft() if self._script else self.answer
        now = time.time()
        self.deliveries.append(
            Delivery(
                at=now,
                method=request.method,
                path=request.path_qs,
                headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers),
                body=body,
                event=_event(body),
                problem=problem_with(request.headers, body, self.secrets, now),
                answer=answer,
            )
        )
        self._watch.changed()
        if answer.hangs or answer.delay:
            await self._wait(None if answer.hangs else answer.delay)
        response = web.Response(status=answer.status, body=answer.body)
        for name, value in answer.headers:
            response.headers.add(name, value)
        return response

    async def _wait(self, delay: float | None) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._closing.wait()
        except TimeoutError:
            return


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()  # without the prefix the bytes are the key [SDK]
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise UsageError(f"the webhook secret is not whsec_ and base64: {error}") from error


def _event(body: bytes) -> Mapping[str, Any] | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
