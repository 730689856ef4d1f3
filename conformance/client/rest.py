"""The REST side of the reference client: every verb of a call, and the webhook endpoints. Answers are never raised."""

import asyncio
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from .errors import ConnectionFailed, ProtocolViolation, UsageError, WaitTimeout
from .forms import Form, posted
from .tls import tls_context

LARGE = 1 << 16  # aiohttp wants to send what is larger piece by piece
REST_ANSWER = 40.0  # /hangup may wait for the ACK of our 2xx, which takes up to 32 s (RFC 3261 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAnswer:
    """An HTTP answer, whatever its status. `headers` in the order of the wire; times are Unix time."""

    method: str
    path: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sent_at: float
    received_at: float

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def elapsed(self) -> float:
        return self.received_at - self.sent_at

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body as JSON. Raises `ProtocolViolation` when it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ProtocolViolation(
                f"{self.method} {self.path} was answered {self.status} and no JSON: {self.body[:200]!r}"
            ) from error

    @property
    def error(self) -> Mapping[str, Any]:
        """The inner object of the error envelope. Raises `ProtocolViolation` when there is none."""
        body = self.json()
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict):
            raise ProtocolViolation(f"{self.method} {self.path} was answered {self.status} without an error: {body!r}")
        return error


class RestClient:
    """Requests with the project's key. `base_url` ends in `/v1`. Use it as `async with`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        ca_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = REST_ANSWER,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self._ca_file = ca_file
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = tls_context(self._ca_file) if self._ca_file is not None else True
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), auto_decompress=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    # -- calls

    async def create_call(
        self,
        offer: str | bytes | None,
        session: Any = None,
        *,
        form: Form | None = None,
        extra: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> RestAnswer:
        """`POST /realtime/calls`: an SDP offer, and a session with it or none; `form` says how they are sent, `extra`
        what else is in it."""
        kind, body = posted(offer, session, form, extra)
        sent = {"Content-Type": kind, "Accept": "application/sdp", **(headers or {})}
        return await self.request("POST", "/realtime/calls", body=body, headers=sent, **options)

    async def accept(self, call_id: str, session: Any = None, **options: Any) -> RestAnswer:
        """`session` is sent as it is; None is the least that the service takes."""
        body = {"type": "realtime", "model": "gpt-realtime"} if session is None else session
        return await self.call(call_id, "accept", json_body=body, **options)

    async def reject(self, call_id: str, status_code: int | None = None, **options: Any) -> RestAnswer:
        """Without a status code no body is sent."""
        body = {} if status_code is None else {"json_body": {"status_code": status_code}}
        return await self.call(call_id, "reject", **body, **options)

    async def refer(self, call_id: str, target_uri: str, **options: Any) -> RestAnswer:
        return await self.call(call_id, "refer", json_body={"target_uri": target_uri}, **options)

    async def hangup(self, call_id: str, **options: Any) -> RestAnswer:
        return await self.call(call_id, "hangup", **options)

    async def call(self, call_id: str, verb: str, **options: Any) -> RestAnswer:
        """`POST /realtime/calls/{call_id}/{verb}`; `options` are those of `request`."""
        return await self.request("POST", f"/realtime/calls/{quote(call_id, safe='')}/{verb}", **options)

    # -- webhook endpoints

    async def create_webhook_endpoint(
        self, url: str, *, name: str = "conformance", event_types: Sequence[str] = ("realtime.call.incoming",)
    ) -> RestAnswer:
        body = {"name": name, "url": url, "event_types": list(event_types)}
        return await self.request("POST", "/webhook_endpoints", json_body=body)

    async def list_webhook_endpoints(self, **query: str) -> RestAnswer:
        return await self.request("GET", "/webhook_endpoints", query=query)

    async def webhook_endpoint(self, endpoint_id: str) -> RestAnswer:
        return await self.request("GET", f"/webhook_endpoints/{quote(endpoint_id, safe='')}")

    async def update_webhook_endpoint(self, endpoint_id: str, **changes: Any) -> RestAnswer:
        return await self.request("POST", f"/webhook_endpoints/{quote(endpoint_id, safe='')}", json_body=changes)

    async def delete_webhook_endpoint(self, endpoint_id: str) -> RestAnswer:
        return await self.request("DELETE", f"/webhook_endpoints/{quote(endpoint_id, safe='')}")

    async def rotate_webhook_secret(self, endpoint_id: str, *, keeps_old_secret: bool | None = None) -> RestAnswer:
        body = {} if keeps_old_secret is None else {"keep_old_secret_active_for_24_hours": keeps_old_secret}
        path = f"/webhook_endpoints/{quote(endpoint_id, safe='')}/rotate_secret"
        return await self.request("POST", path, json_body=body)

    async def test_webhook_endpoint(self, endpoint_id: str, event_type: str) -> RestAnswer:
        path = f"/webhook_endpoints/{quote(endpoint_id, safe='')}/test"
        return await self.request("POST", path, json_body={"event_type": event_type})

    # -- anything

    async def request(
        self,
        method: str,
        path: str,
        *,
        json_body: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        has_key: bool = True,
        timeout: float | None = None,
    ) -> RestAnswer:
        """One request below `base_url`. Raises `ConnectionFailed` or `WaitTimeout` when there is no whole answer."""
        if self._session is None:
            raise UsageError("a RestClient is used as `async with RestClient(…) as rest`")
        sent = dict(self._headers)
        if has_key and self.api_key is not None:
            sent["Authorization"] = f"Bearer {self.api_key}"
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        limit = self._timeout if timeout is None else timeout
        sent_at = time.time()
        started = time.perf_counter()
        try:
            async with (
                asyncio.timeout(limit),
                self._session.request(
                    method,
                    self.base_url + path,
                    data=io.BytesIO(body) if body is not None and len(body) > LARGE else body,
                    headers=sent,
                    params=query,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                content = await response.read()
        except TimeoutError:
            raise WaitTimeout(f"no answer to {method} {path} within {limit:g} s; there was none at all") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise ConnectionFailed(f"no answer to {method} {path}: {type(error).__name__}: {error}") from error
        return RestAnswer(
            method=method,
            path=path,
            status=response.status,
            reason=response.reason or "",
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers),
            body=content,
            sent_at=sent_at,
            received_at=sent_at + time.perf_counter() - started,
        )
