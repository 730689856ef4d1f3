"""Posts webhooks: the attempts of `webhooks.delivery`, made with one HTTP client."""

import asyncio
import contextlib
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from ..calls.project import Project
from ..config import Settings
from ..errors import EndpointUnreachable, UsageError
from ..faults.plan import Faults
from ..ids import Ids
from ..journal import Journal
from ..webhooks.delivery import Attempt, Deliveries
from ..webhooks.endpoints import Endpoint
from ..webhooks.envelope import sample_event
from ..webhooks.retry import RetrySchedule
from .deadlines import Clock, Deadlines
from .supervisor import Supervisor

Post = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""An endpoint in this process: gets headers and body of an attempt, and gives the status."""

_KEEP_ALIVE = 1.0
"""Shorter than any server's: a POST on a connection that its server is just closing would be a failed attempt."""
_BODY_LIMIT = 64 * 1024
_BODY_TIMEOUT = 1.0
"""The answer's body is nobody's business: up to here it is read away, so that the connection can be used again."""


class WebhookSender:
    """`start()` it on the loop, `post` events, `stop()` it. What is still to be tried is forgotten then.

    `extra_ca` is a PEM file of authorities that sign `https:` endpoints besides the system's.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        deadlines: Deadlines,
        journal: Journal,
        ids: Ids,
        extra_ca: str | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._timeout = settings.webhook_timeout
        self._stamps_virtually = settings.webhook_clock == "virtual"
        self._clock = clock
        self._deadlines = deadlines
        self._journal = journal
        self._ids = ids
        self._extra_ca = extra_ca
        self._faults = faults
        self._deliveries = Deliveries(
            ids,
            RetrySchedule(
                first=settings.webhook_first_retry, cap=settings.webhook_retry_cap, give_up=settings.webhook_give_up
            ),
        )
        self._supervisor = Supervisor(on_bug=self._bug)
        self._session: aiohttp.ClientSession | None = None
        self.in_process: dict[str, Post] = {}
        """Endpoints that are called instead of posted to, by their URL."""
        self.posts_under_way = 0
        """HTTP requests that an application has in hand."""

    async def start(self) -> None:
        """Open the client. Raises `UsageError` when `extra_ca` can't be read."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ssl=self._tls()),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding"),
            trust_env=False,
            auto_decompress=False,
        )

    async def stop(self) -> None:
        """Cancel what is under way and close every connection. Safe to call twice."""
        self._deadlines.arm(self, None, self._handle_timer)
        await self._supervisor.stop()
        if self._session is not None:
            await self._session.close()
            self._session = None

    # Input

    def post(self, event: Mapping[str, Any], *, project: Project, call_id: str | None = None) -> int:
        """Deliver `event` to the project's endpoints that subscribe to it, as often as it takes. Returns how many those
        are. Never blocks. Raises `UsageError` unless started."""
        self._client()
        now = self._clock.now()
        plan = self._faults.of(project.id) if self._faults else None
        count = 0
        for told in (event,) if plan is None else plan.webhook_event(event, call_id):
            count += self._deliveries.post(told, project.endpoints, now=now, project_id=project.id, call_id=call_id)
        self._pump()
        return count

    async def test(self, event_type: str, *, endpoint: Endpoint, project: Project) -> int:
        """Deliver a sample event once and return the HTTP status, whatever it is. Raises `EndpointUnreachable` when
        there is none."""
        self._client()
        now = self._clock.now()
        event = sample_event(
            event_type, event_id=self._ids.webhook_event(), created_at=int(now), call_id=self._ids.call()
        )
        attempt = self._deliveries.post_test(
            event, endpoint, project.endpoints, now=now, stamp=self._stamp(now), project_id=project.id
        )
        result: asyncio.Future[int | str] = asyncio.get_running_loop().create_future()
        self._spawn(attempt, result)
        outcome = await result
        if isinstance(outcome, str):
            raise EndpointUnreachable(f"The webhook endpoint gave no answer: {outcome}")
        return outcome

    def endpoint_deleted(self, endpoint_id: str) -> None:
        """Abandon what waits to be delivered to it."""
        self._deliveries.endpoint_deleted(endpoint_id)
        self._pump()

    # Queries

    @property
    def pending(self) -> int:
        """Deliveries that are not over."""
        return self._deliveries.pending

    def describe(self, project_id: str | None = None) -> list[str]:
        """Each pending delivery in a line; of one project, or of all."""
        return self._deliveries.describe(project_id)

    # Private

    def _pump(self) -> None:
        now = self._clock.now()
        for attempt in self._deliveries.due(now, stamp=self._stamp(now)):
            self._spawn(attempt, None)
        while (record := self._deliveries.next_event()) is not None:
            self._journal.add(record.kind, now=now, project_id=record.project_id, call_id=record.call_id, **record.data)
        self._deadlines.arm(self, self._deliveries.next_deadline(), self._handle_timer)

    def _stamp(self, now: float) -> float:
        """What receivers compare with their own clock, which a moved clock of ours is not."""
        return now if self._stamps_virtually else time.time()

    def _handle_timer(self, _: float) -> None:
        self._pump()

    def _spawn(self, attempt: Attempt, result: asyncio.Future[int | str] | None) -> None:
        task = self._supervisor.spawn(
            self._perform(self._client(), attempt, result),
            name=f"webhook {attempt.headers['webhook-id']} attempt {attempt.number}",
        )
        if result is not None:
            task.add_done_callback(lambda _: _settle(result, "the attempt was given up"))

    async def _perform(
        self, client: aiohttp.ClientSession, attempt: Attempt, result: asyncio.Future[int | str] | None
    ) -> None:
        response: aiohttp.ClientResponse | None = None
        outcome: int | str
        plan = self._faults.of(attempt.project_id) if self._faults else None
        made = attempt if plan is None else plan.webhook(attempt)
        if made is None:
            self._complete(attempt, 200)
            return
        try:
            async with self._time_limit(attempt, self._timeout):
                if (post := self.in_process.get(made.url)) is not None:
                    outcome = await post(made.headers, made.body)
                else:
                    response = await self._post(client, made)
                    outcome = response.status
        except TimeoutError:
            outcome = f"no answer within {self._timeout:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            outcome = f"{type(error).__name__}: {error}"
        if plan is not None:
            outcome = plan.webhook_outcome(outcome, attempt.call_id)
        if result is not None:
            _settle(result, outcome)
        self._complete(attempt, outcome)
        if response is not None:
            await self._discard_body(attempt, response)

    async def _post(self, client: aiohttp.ClientSession, made: Attempt) -> aiohttp.ClientResponse:
        self.posts_under_way += 1
        try:
            return await client.post(
                made.url, data=made.body, headers=made.headers, allow_redirects=made.follows_redirects
            )
        finally:
            self.posts_under_way -= 1

    def _complete(self, attempt: Attempt, outcome: int | str) -> None:
        now = self._clock.now()
        if isinstance(outcome, int):
            self._deliveries.completed(attempt.delivery_id, now=now, status=outcome)
        else:
            self._deliveries.completed(attempt.delivery_id, now=now, error=outcome)
        self._pump()

    async def _discard_body(self, attempt: Attempt, response: aiohttp.ClientResponse) -> None:
        size = 0
        try:
            async with self._time_limit(attempt, _BODY_TIMEOUT):
                async for chunk in response.content.iter_any():
                    size += len(chunk)
                    if size > _BODY_LIMIT:
                        break
        except (aiohttp.ClientError, OSError):  # the status has come, and it is all that counts
            pass
        finally:
            response.close()  # of a body that was read to its end, the connection has long been given back

    @contextlib.asynccontextmanager
    async def _time_limit(self, attempt: Attempt, seconds: float) -> AsyncIterator[None]:
        """`asyncio.timeout` by the emulator's clock."""
        loop = asyncio.get_running_loop()
        key = (self, attempt.delivery_id, attempt.number)
        async with asyncio.timeout(None) as scope:
            self._deadlines.arm(key, self._clock.now() + seconds, lambda _: scope.reschedule(loop.time()))
            try:
                yield
            finally:
                self._deadlines.arm(key, None, self._handle_timer)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise UsageError("the webhook sender was not started, or is stopped")
        return self._session

    def _tls(self) -> ssl.SSLContext | bool:
        if self._extra_ca is None:
            return True
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(self._extra_ca)
        except OSError as error:  # ssl.SSLError is one
            raise UsageError(f"certificate authorities {self._extra_ca}: {error}") from error
        return context

    def _bug(self, error: BaseException) -> None:
        self._journal.add(
            "emulator.bug",
            now=self._clock.now(),
            error=repr(error),
            traceback="".join(traceback.format_exception(error)),
        )


def _settle(result: asyncio.Future[int | str], outcome: int | str) -> None:
    """Whoever waited for it may be gone, or have been told."""
    if not result.done():
        result.set_result(outcome)
