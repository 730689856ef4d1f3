"""The delivery engine: which attempt is made when, how it is signed, and what the journal gets."""

import json
import random
import time
from typing import Any

import openai
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ringback.emulator.errors import EmulatorBug
from ringback.emulator.ids import Ids
from ringback.emulator.webhooks.delivery import Attempt, Deliveries, Record
from ringback.emulator.webhooks.endpoints import Endpoint, EndpointRegistry
from ringback.emulator.webhooks.requests import EndpointChange, NewEndpoint
from ringback.emulator.webhooks.retry import RetrySchedule

CALL = "realtime.call.incoming"
EVENT: dict[str, Any] = {"object": "event", "id": "evt_1", "type": CALL, "created_at": 1, "data": {"call_id": "rtc_1"}}
NOW = 1_800_000_000.75
SCHEDULE = RetrySchedule(first=1, cap=8, give_up=60)


@pytest.fixture
def registry(ids: Ids) -> EndpointRegistry:
    return EndpointRegistry(ids)


@pytest.fixture
def endpoint(registry: EndpointRegistry) -> Endpoint:
    return add_endpoint(registry)


@pytest.fixture
def deliveries(ids: Ids) -> Deliveries:
    return Deliveries(ids, SCHEDULE)


def add_endpoint(registry: EndpointRegistry, path: str = "a") -> Endpoint:
    new = NewEndpoint(name=path, url=f"https://example.com/{path}", event_types=(CALL,))
    return registry.create(new, now=NOW)


def the_attempt(deliveries: Deliveries, now: float) -> Attempt:
    (attempt,) = deliveries.due(now)
    return attempt


def records(deliveries: Deliveries) -> list[Record]:
    return list(iter(deliveries.next_event, None))


def test_event_is_posted_at_once_with_the_documented_headers(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    assert deliveries.post(EVENT, registry, now=NOW) == 1
    assert deliveries.next_deadline() == NOW
    attempt = the_attempt(deliveries, NOW)
    assert (attempt.url, attempt.number) == (endpoint.url, 1)
    assert list(attempt.headers) == [
        "user-agent",
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    assert attempt.headers["user-agent"] == "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"
    assert attempt.headers["content-type"] == "application/json"
    assert attempt.headers["webhook-id"].startswith("wh_")
    assert attempt.headers["webhook-timestamp"] == "1800000000"
    assert json.loads(attempt.body) == EVENT
    assert deliveries.next_deadline() is None
    assert deliveries.due(NOW) == []


def test_timestamp_is_that_of_the_receivers_where_the_emulators_clock_was_moved(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    deliveries.post(EVENT, registry, now=NOW, project_id="proj_1")
    (attempt,) = deliveries.due(NOW, stamp=NOW + 7200.5)
    assert attempt.headers["webhook-timestamp"] == str(int(NOW) + 7201)
    assert deliveries.describe("proj_1") == deliveries.describe() != []
    assert deliveries.describe("proj_2") == []


def test_event_that_nobody_subscribes_to_is_posted_nowhere(deliveries: Deliveries, registry: EndpointRegistry) -> None:
    assert deliveries.post(EVENT, registry, now=NOW) == 0
    assert deliveries.next_deadline() is None
    assert deliveries.pending == 0


def test_sdk_accepts_every_attempt_with_its_own_timestamp(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    start = time.time()
    client = openai.OpenAI(api_key="sk-none", webhook_secret=endpoint.secret.text)
    deliveries.post(EVENT, registry, now=start)
    seen = []
    for now in (start, start + 1, start + 3):
        attempt = the_attempt(deliveries, now)
        assert client.webhooks.unwrap(attempt.body, attempt.headers).id == "evt_1"
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(attempt.body.replace(b"rtc_1", b"rtc_2"), attempt.headers)
        seen.append(attempt)
        deliveries.completed(attempt.delivery_id, now=now, status=500)
    assert len({attempt.headers["webhook-id"] for attempt in seen}) == 1
    assert [int(attempt.headers["webhook-timestamp"]) for attempt in seen] == [int(start + wait) for wait in (0, 1, 3)]
    assert len({attempt.headers["webhook-signature"] for attempt in seen}) == 3
    assert [attempt.number for attempt in seen] == [1, 2, 3]


def test_every_endpoint_gets_the_event_under_one_webhook_id(deliveries: Deliveries, registry: EndpointRegistry) -> None:
    add_endpoint(registry, "a")
    add_endpoint(registry, "b")
    assert deliveries.post(EVENT, registry, now=NOW) == 2
    first, second = deliveries.due(NOW)
    assert (first.url, second.url) == ("https://example.com/a", "https://example.com/b")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    deliveries.completed(first.delivery_id, now=NOW, status=200)
    deliveries.completed(second.delivery_id, now=NOW, status=404)
    assert deliveries.pending == 1


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_delivery_ends_with_any_2xx(deliveries: Deliveries, registry: EndpointRegistry, status: int) -> None:
    deliveries.post(EVENT, registry, now=NOW, project_id="proj_1", call_id="rtc_1")
    attempt = the_attempt(deliveries, NOW)
    deliveries.completed(attempt.delivery_id, now=NOW, status=status)
    assert deliveries.pending == 0
    assert deliveries.next_deadline() is None
    made, delivered = records(deliveries)
    common = {
        "event": CALL,
        "event_id": "evt_1",
        "url": "https://example.com/a",
        "webhook_id": attempt.headers["webhook-id"],
        "attempt": 1,
    }
    assert (made.kind, made.project_id, made.call_id) == ("webhook.attempt", "proj_1", "rtc_1")
    assert made.data == {**common, "status": status}
    assert delivered.kind == "webhook.delivered"
    assert delivered.data == common


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize(
    ("outcome", "journalled"),
    [
        *[({"status": status}, {"status": status}) for status in (100, 199, 300, 301, 302, 308, 400, 404, 410, 500)],
        ({"error": "no answer within 10 s"}, {"error": "no answer within 10 s"}),
    ],
)
def test_delivery_is_tried_again_after_anything_else(
    deliveries: Deliveries, registry: EndpointRegistry, outcome: dict[str, Any], journalled: dict[str, Any]
) -> None:
    deliveries.post(EVENT, registry, now=NOW)
    deliveries.completed(the_attempt(deliveries, NOW).delivery_id, now=NOW + 0.5, **outcome)
    assert deliveries.next_deadline() == NOW + 1.5
    assert deliveries.due(NOW + 1.4) == []
    (made,) = records(deliveries)
    assert journalled.items() <= made.data.items()
    assert deliveries.describe() == [f"{CALL} evt_1 to https://example.com/a: 1 attempts made"]


@pytest.mark.usefixtures("endpoint")
def test_pauses_follow_the_schedule_until_it_gives_up(deliveries: Deliveries, registry: EndpointRegistry) -> None:
    deliveries.post(EVENT, registry, now=NOW)
    made_at = []
    while (deadline := deliveries.next_deadline()) is not None:
        made_at.append(deadline - NOW)
        deliveries.completed(the_attempt(deliveries, deadline).delivery_id, now=deadline, status=503)
    assert made_at == [0, 1, 3, 7, 15, 23, 31, 39, 47, 55]
    *attempts, abandoned = records(deliveries)
    assert [record.kind for record in attempts] == ["webhook.attempt"] * 10
    assert abandoned.kind == "webhook.abandoned"
    assert abandoned.data["attempts"] == 10
    assert abandoned.data["reason"] == "no attempt is left"
    assert deliveries.pending == 0


def test_next_attempt_goes_where_the_endpoint_is_now_signed_by_both_secrets(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    deliveries.post(EVENT, registry, now=NOW)
    first = the_attempt(deliveries, NOW)
    deliveries.completed(first.delivery_id, now=NOW, status=500)
    registry.update(endpoint.id, EndpointChange(url="https://example.com/new"), now=NOW)
    registry.rotate_secret(endpoint.id, keep_old=True, now=NOW)
    second = the_attempt(deliveries, NOW + 1)
    assert second.url == "https://example.com/new"
    assert len(first.headers["webhook-signature"].split()) == 1
    assert len(second.headers["webhook-signature"].split()) == 2


def test_deleted_endpoint_gets_nothing_more(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    other = add_endpoint(registry, "other")
    deliveries.post(EVENT, registry, now=NOW)
    for attempt in deliveries.due(NOW):
        deliveries.completed(attempt.delivery_id, now=NOW, status=500)
    records(deliveries)
    registry.delete(endpoint.id)
    deliveries.endpoint_deleted(endpoint.id)
    (abandoned,) = records(deliveries)
    assert abandoned.kind == "webhook.abandoned"
    assert abandoned.data["reason"] == "its endpoint was deleted"
    assert the_attempt(deliveries, NOW + 1).url == other.url


@pytest.mark.parametrize(("status", "last"), [(200, "webhook.delivered"), (500, "webhook.abandoned")])
def test_attempt_under_way_ends_the_delivery_when_its_endpoint_is_deleted(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint, status: int, last: str
) -> None:
    deliveries.post(EVENT, registry, now=NOW)
    attempt = the_attempt(deliveries, NOW)
    registry.delete(endpoint.id)
    deliveries.endpoint_deleted(endpoint.id)
    assert deliveries.pending == 1
    deliveries.completed(attempt.delivery_id, now=NOW, status=status)
    assert [record.kind for record in records(deliveries)] == ["webhook.attempt", last]
    assert deliveries.pending == 0


def test_delivery_notices_at_its_next_attempt_that_its_endpoint_is_gone(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    deliveries.post(EVENT, registry, now=NOW)
    registry.delete(endpoint.id)
    assert deliveries.due(NOW) == []
    assert [record.kind for record in records(deliveries)] == ["webhook.abandoned"]
    assert deliveries.pending == 0


@pytest.mark.usefixtures("endpoint")
def test_endpoint_gets_no_more_attempts_at_one_time_than_it_may(ids: Ids, registry: EndpointRegistry) -> None:
    deliveries = Deliveries(ids, SCHEDULE, most_in_flight=2)
    other = EndpointRegistry(ids)
    add_endpoint(other, "other")
    for _ in range(4):
        deliveries.post(EVENT, registry, now=NOW)
    deliveries.post(EVENT, other, now=NOW)
    first, second, elsewhere = deliveries.due(NOW)
    assert [attempt.url[-5:] for attempt in (first, second, elsewhere)] == ["com/a", "com/a", "other"]
    assert deliveries.next_deadline() is None
    deliveries.completed(first.delivery_id, now=NOW + 5, status=200)
    assert deliveries.next_deadline() == NOW
    third = the_attempt(deliveries, NOW + 5)
    assert third.delivery_id == 3
    deliveries.completed(second.delivery_id, now=NOW + 6, status=200)
    assert the_attempt(deliveries, NOW + 6).delivery_id == 4
    deliveries.completed(third.delivery_id, now=NOW + 7, status=200)
    assert deliveries.due(NOW + 7) == []
    assert deliveries.pending == 2


def test_held_deliveries_are_abandoned_with_their_endpoint(
    ids: Ids, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    deliveries = Deliveries(ids, SCHEDULE, most_in_flight=1)
    for _ in range(3):
        deliveries.post(EVENT, registry, now=NOW)
    attempt = the_attempt(deliveries, NOW)
    registry.delete(endpoint.id)
    deliveries.endpoint_deleted(endpoint.id)
    assert deliveries.pending == 1
    deliveries.completed(attempt.delivery_id, now=NOW, status=200)
    assert deliveries.pending == 0
    assert deliveries.due(NOW + 100) == []


def test_test_is_attempted_once_whatever_comes_back(
    deliveries: Deliveries, registry: EndpointRegistry, endpoint: Endpoint
) -> None:
    attempt = deliveries.post_test(EVENT, endpoint, registry, now=NOW, project_id="proj_1")
    assert attempt.url == endpoint.url
    deliveries.completed(attempt.delivery_id, now=NOW, status=500)
    assert deliveries.pending == 0
    (made,) = records(deliveries)
    assert (made.kind, made.project_id) == ("webhook.attempt", "proj_1")


@pytest.mark.usefixtures("endpoint")
def test_end_of_an_attempt_that_was_never_made_is_a_bug(deliveries: Deliveries, registry: EndpointRegistry) -> None:
    with pytest.raises(EmulatorBug):
        deliveries.completed(1, now=NOW, status=200)
    deliveries.post(EVENT, registry, now=NOW)
    with pytest.raises(EmulatorBug):
        deliveries.completed(1, now=NOW, status=200)


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order: each delivery ends once, and each endpoint has few attempts under way."""

    def __init__(self) -> None:
        super().__init__()
        ids = Ids(random.Random(1))
        self.registry = EndpointRegistry(ids)
        self.deliveries = Deliveries(ids, SCHEDULE, most_in_flight=2)
        self.now = NOW
        self.under_way: list[Attempt] = []
        self.posted = 0
        self.ended = 0

    @rule(path=st.sampled_from("abc"))
    def add(self, path: str) -> None:
        add_endpoint(self.registry, path)

    @rule()
    def post(self) -> None:
        self.posted += self.deliveries.post(EVENT, self.registry, now=self.now)

    @rule(seconds=st.sampled_from([0, 0.5, 1, 10]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.under_way += self.deliveries.due(self.now)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), status=st.sampled_from([200, 500]))
    def complete(self, data: st.DataObject, status: int) -> None:
        index = data.draw(st.integers(0, len(self.under_way) - 1))
        self.deliveries.completed(self.under_way.pop(index).delivery_id, now=self.now, status=status)

    @precondition(lambda self: self.registry.list().endpoints)
    @rule(data=st.data(), is_told=st.booleans())
    def delete(self, data: st.DataObject, is_told: bool) -> None:
        endpoint = data.draw(st.sampled_from(self.registry.list().endpoints))
        self.registry.delete(endpoint.id)
        if is_told:
            self.deliveries.endpoint_deleted(endpoint.id)

    @invariant()
    def each_delivery_ends_once(self) -> None:
        self.ended += sum(record.kind != "webhook.attempt" for record in records(self.deliveries))
        assert self.ended + self.deliveries.pending == self.posted
        assert len({attempt.delivery_id for attempt in self.under_way}) == len(self.under_way)

    def teardown(self) -> None:
        while self.deliveries.pending:
            for attempt in self.under_way:
                self.deliveries.completed(attempt.delivery_id, now=self.now, status=200)
            deadline = self.deliveries.next_deadline()
            self.now = max(self.now, deadline or 0)
            self.under_way = self.deliveries.due(self.now)
        self.each_delivery_ends_once()
        assert self.ended == self.posted


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=50, stateful_step_count=30)
