"""Deliveries of webhook events: one for each event and endpoint, tried until a 2xx or until the time is over."""

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import EmulatorBug
from ..ids import Ids
from .endpoints import Endpoint, EndpointRegistry
from .envelope import to_body
from .retry import RetrySchedule
from .signature import sign

MOST_IN_FLIGHT = 100
"""Attempts at one endpoint at one time. More than that overflow the listen backlog of a usual server, and an endpoint
that never answers must not use up the file descriptors."""
USER_AGENT = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"  # DOC SEED0, SEED1, GWH


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One POST to make now. Answer it with `Deliveries.completed`, whatever happens to it."""

    delivery_id: int
    number: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    """That the signature was made with."""
    project_id: str | None
    call_id: str | None
    follows_redirects: bool = False  # DOC GWH: a redirect is a failure; only a fault wants it otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something for the journal: `kind` is `webhook.attempt`, `webhook.delivered` or `webhook.abandoned`."""

    kind: str
    project_id: str | None
    call_id: str | None
    data: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class _Delivery:
    id: int
    webhook_id: str
    event_type: str
    event_id: str
    body: bytes
    endpoint: Endpoint
    """As it was at the latest attempt."""
    registry: EndpointRegistry
    project_id: str | None
    call_id: str | None
    posted_at: float
    is_test: bool = False
    attempts: int = 0
    next_at: float | None = None
    """None while an attempt is under way."""


class Deliveries:
    """Sans-IO: `post` events, perform what is `due`, say how it went with `completed`, journal each `next_event()`.

    Endpoints are looked up again for each attempt: a new URL and a new secret count from the next attempt on.
    """

    def __init__(self, ids: Ids, schedule: RetrySchedule, *, most_in_flight: int = MOST_IN_FLIGHT) -> None:
        self._ids = ids
        self._schedule = schedule
        self._most_in_flight = most_in_flight
        self._deliveries: dict[int, _Delivery] = {}
        self._waiting: list[tuple[float, int]] = []
        self._in_flight: Counter[str] = Counter()
        self._held: dict[str, deque[tuple[float, int]]] = {}
        """Due, but their endpoint has as many attempts under way as it may."""
        self._records: deque[Record] = deque()
        self._count = 0

    # Input

    def post(
        self,
        event: Mapping[str, Any],
        registry: EndpointRegistry,
        *,
        now: float,
        project_id: str | None = None,
        call_id: str | None = None,
    ) -> int:
        """Deliver `event` to every endpoint that subscribes to its type. Returns how many those are."""
        endpoints = registry.subscribers(event["type"])
        # One id for the event, the same at every endpoint and attempt: receivers use it to drop duplicates [SDK, GWH].
        webhook_id, body = self._ids.webhook_delivery(), to_body(event)
        for endpoint in endpoints:
            delivery = self._add(event, body, webhook_id, endpoint, registry, now, project_id, call_id)
            self._wait_until(delivery, now)
        return len(endpoints)

    def post_test(
        self,
        event: Mapping[str, Any],
        endpoint: Endpoint,
        registry: EndpointRegistry,
        *,
        now: float,
        stamp: float | None = None,
        project_id: str | None = None,
    ) -> Attempt:
        """The one attempt to deliver a sample event: it is not repeated, and whatever status comes is its result."""
        webhook_id, body = self._ids.webhook_delivery(), to_body(event)
        delivery = self._add(event, body, webhook_id, endpoint, registry, now, project_id, None)
        delivery.is_test = True
        return self._attempt(delivery, now, stamp)

    def completed(self, delivery_id: int, *, now: float, status: int | None = None, error: str | None = None) -> None:
        """An attempt is over: with an HTTP status, or with the error that left it without one."""
        delivery = self._deliveries.get(delivery_id)
        if delivery is None or delivery.next_at is not None:
            raise EmulatorBug(f"webhook delivery {delivery_id} has no attempt under way")
        if not delivery.is_test:
            self._make_room(delivery.endpoint.id)
        outcome = {"status": status} if error is None else {"error": error}
        self._record(delivery, "webhook.attempt", attempt=delivery.attempts, **outcome)
        if delivery.is_test:
            del self._deliveries[delivery_id]
        elif status is not None and 200 <= status <= 299:  # DOC GWH: any 2xx; a redirect is a failure
            del self._deliveries[delivery_id]
            self._record(delivery, "webhook.delivered", attempt=delivery.attempts)
        elif delivery.registry.find(delivery.endpoint.id) is None:
            self._abandon(delivery, "its endpoint was deleted")
        else:
            delay = self._schedule.delay_after(delivery.attempts, now - delivery.posted_at)
            if delay is None:
                self._abandon(delivery, "no attempt is left")
            else:
                self._wait_until(delivery, now + delay)

    def endpoint_deleted(self, endpoint_id: str) -> None:
        """Abandon what waits for this endpoint. An attempt that is under way may still succeed."""
        self._held.pop(endpoint_id, None)
        for delivery in tuple(self._deliveries.values()):
            if delivery.endpoint.id == endpoint_id and delivery.next_at is not None:
                self._abandon(delivery, "its endpoint was deleted")

    # Output

    def due(self, now: float, *, stamp: float | None = None) -> list[Attempt]:
        """The attempts to make now, in the order in which they became due. An endpoint with too many under way gets its
        next one after a `completed`. `stamp` is what their `webhook-timestamp` says in place of `now`."""
        attempts: list[Attempt] = []
        while (next_at := self.next_deadline()) is not None and next_at <= now:
            waiting = heapq.heappop(self._waiting)
            delivery = self._deliveries[waiting[1]]
            endpoint = delivery.registry.find(delivery.endpoint.id)
            if endpoint is None:
                self.endpoint_deleted(delivery.endpoint.id)
            elif self._in_flight[endpoint.id] >= self._most_in_flight:
                self._held.setdefault(endpoint.id, deque()).append(waiting)
            else:
                self._in_flight[endpoint.id] += 1
                delivery.endpoint = endpoint
                attempts.append(self._attempt(delivery, now, stamp))
        return attempts

    def next_event(self) -> Record | None:
        """What to journal next; None when that was all."""
        return self._records.popleft() if self._records else None

    # Queries

    def next_deadline(self) -> float | None:
        """When the next attempt is due; that may be in the past. None when nothing waits."""
        while self._waiting and self._waiting[0][1] not in self._deliveries:
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    @property
    def pending(self) -> int:
        """Deliveries that are not over: waiting for an attempt, or in one."""
        return len(self._deliveries)

    def describe(self, project_id: str | None = None) -> list[str]:
        """Each pending delivery in a line; of one project, or of all."""
        return [
            f"{delivery.event_type} {delivery.event_id} to {delivery.endpoint.url}: {delivery.attempts} attempts made"
            for delivery in self._deliveries.values()
            if project_id in (None, delivery.project_id)
        ]

    # Private

    def _add(
        self,
        event: Mapping[str, Any],
        body: bytes,
        webhook_id: str,
        endpoint: Endpoint,
        registry: EndpointRegistry,
        now: float,
        project_id: str | None,
        call_id: str | None,
    ) -> _Delivery:
        self._count += 1
        delivery = self._deliveries[self._count] = _Delivery(
            id=self._count,
            webhook_id=webhook_id,
            event_type=event["type"],
            event_id=event["id"],
            body=body,
            endpoint=endpoint,
            registry=registry,
            project_id=project_id,
            call_id=call_id,
            posted_at=now,
        )
        return delivery

    def _wait_until(self, delivery: _Delivery, when: float) -> None:
        delivery.next_at = when
        heapq.heappush(self._waiting, (when, delivery.id))

    def _make_room(self, endpoint_id: str) -> None:
        """An attempt at this endpoint is over: the one that was held longest goes back to those that are due."""
        self._in_flight[endpoint_id] -= 1
        if not self._in_flight[endpoint_id]:
            del self._in_flight[endpoint_id]
        if held := self._held.get(endpoint_id):
            heapq.heappush(self._waiting, held.popleft())
            if not held:
                del self._held[endpoint_id]

    def _attempt(self, delivery: _Delivery, now: float, stamp: float | None) -> Attempt:
        delivery.next_at = None
        delivery.attempts += 1
        # Of the attempt, not of the event: receivers refuse what is 300 s old [SDK].
        timestamp = int(now if stamp is None else stamp)
        secrets = delivery.endpoint.secrets_at(now)
        return Attempt(
            delivery_id=delivery.id,
            number=delivery.attempts,
            url=delivery.endpoint.url,
            headers={
                "user-agent": USER_AGENT,
                "content-type": "application/json",
                "webhook-id": delivery.webhook_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": sign(
                    secrets, webhook_id=delivery.webhook_id, timestamp=timestamp, body=delivery.body
                ),
            },
            body=delivery.body,
            keys=tuple(secrets),
            project_id=delivery.project_id,
            call_id=delivery.call_id,
        )

    def _abandon(self, delivery: _Delivery, reason: str) -> None:
        del self._deliveries[delivery.id]
        self._record(delivery, "webhook.abandoned", attempts=delivery.attempts, reason=reason)

    def _record(self, delivery: _Delivery, kind: str, **data: Any) -> None:
        common = {
            "event": delivery.event_type,
            "event_id": delivery.event_id,
            "url": delivery.endpoint.url,
            "webhook_id": delivery.webhook_id,
        }
        self._records.append(
            Record(kind=kind, project_id=delivery.project_id, call_id=delivery.call_id, data={**common, **data})
        )
