"""The registry of a project's endpoints."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.webhooks.webhook_endpoint import WebhookEndpoint
from openai.types.webhooks.webhook_endpoint_list import WebhookEndpointList
from openai.types.webhooks.webhook_endpoint_with_secret import WebhookEndpointWithSecret
from ringback.emulator.errors import InvalidRequest, ResourceNotFound, UsageError
from ringback.emulator.ids import Ids
from ringback.emulator.webhooks.endpoints import OLD_SECRET_LIFETIME, Endpoint, EndpointRegistry
from ringback.emulator.webhooks.requests import EndpointChange, NewEndpoint

CALL = "realtime.call.incoming"
NEW = NewEndpoint(name="calls", url="https://example.com/hook", event_types=(CALL,))
NOW = 1_800_000_000.5


@pytest.fixture
def registry(ids: Ids) -> EndpointRegistry:
    return EndpointRegistry(ids)


def test_new_endpoint_is_the_object_of_the_sdk_with_its_secret(registry: EndpointRegistry) -> None:
    endpoint = registry.create(NEW, now=NOW)
    shown = endpoint.as_dict(with_secret=True)
    assert shown == {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "created_at": 1_800_000_000,
        "updated_at": 1_800_000_000,
        "name": "calls",
        "url": "https://example.com/hook",
        "event_types": [CALL],
        "signing_secret_hint": f"whsec_***{endpoint.secret.text[-4:]}",
        "signing_secret": endpoint.secret.text,
    }
    WebhookEndpointWithSecret.model_validate(shown, strict=True)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", shown["signing_secret"])


def test_endpoint_never_shows_its_secret_again(registry: EndpointRegistry) -> None:
    endpoint = registry.create(NEW, now=NOW)
    shown = registry.get(endpoint.id).as_dict()
    assert "signing_secret" not in shown
    assert endpoint.secret.text not in str(shown)
    WebhookEndpoint.model_validate(shown, strict=True)


def test_each_endpoint_has_a_secret_of_its_own(registry: EndpointRegistry) -> None:
    assert registry.create(NEW, now=NOW).secret != registry.create(NEW, now=NOW).secret


def test_static_endpoint_signs_with_the_secret_it_was_given(registry: EndpointRegistry) -> None:
    endpoint = registry.add_static("http://app:8000/", secret="whsec_MTIz", event_types=[CALL], now=NOW)
    assert endpoint.secrets_at(NOW) == (b"123",)
    assert registry.subscribers(CALL) == (endpoint,)


@pytest.mark.parametrize(("url", "secret"), [("app:8000", "whsec_MTIz"), ("http://app:8000/", "whsec_***")])
def test_static_endpoint_is_refused_when_it_can_never_work(registry: EndpointRegistry, url: str, secret: str) -> None:
    with pytest.raises(UsageError):
        registry.add_static(url, secret=secret, event_types=[CALL], now=NOW)


def test_list_is_newest_first_and_paged(registry: EndpointRegistry) -> None:
    ids = [registry.create(NEW, now=NOW + number).id for number in range(5)][::-1]
    first = registry.list(limit=2).as_dict()
    assert [endpoint["id"] for endpoint in first["data"]] == ids[:2]
    assert (first["object"], first["first_id"], first["last_id"], first["has_more"]) == ("list", ids[0], ids[1], True)
    last = registry.list(after=ids[2], limit=2)
    assert [endpoint.id for endpoint in last.endpoints] == ids[3:]
    assert last.has_more is False
    WebhookEndpointList.model_validate(first, strict=True)


def test_empty_list_has_no_ids(registry: EndpointRegistry) -> None:
    page = registry.list().as_dict()
    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    WebhookEndpointList.model_validate(page, strict=True)


@given(count=st.integers(0, 12), limit=st.integers(1, 5))
def test_pages_joined_are_the_whole_list(count: int, limit: int) -> None:
    registry = EndpointRegistry(Ids(random.Random(1)))
    made = [registry.create(NEW, now=NOW) for _ in range(count)]
    seen: list[Endpoint] = []
    after = None
    while True:
        page = registry.list(after=after, limit=limit)
        seen.extend(page.endpoints)
        if not page.has_more:
            break
        after = page.endpoints[-1].id
    assert seen == made[::-1]


def test_list_refuses_a_cursor_that_does_not_exist(registry: EndpointRegistry) -> None:
    with pytest.raises(InvalidRequest) as raised:
        registry.list(after="we_gone")
    assert (raised.value.param, raised.value.code) == ("after", "invalid_value")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (EndpointChange(name="new"), ("new", NEW.url, NEW.event_types)),
        (EndpointChange(url="https://example.org/"), (NEW.name, "https://example.org/", NEW.event_types)),
        (EndpointChange(event_types=("batch.failed",)), (NEW.name, NEW.url, ("batch.failed",))),
    ],
)
def test_update_changes_what_it_names(
    registry: EndpointRegistry, change: EndpointChange, expected: tuple[str, str, tuple[str, ...]]
) -> None:
    made = registry.create(NEW, now=NOW)
    changed = registry.update(made.id, change, now=NOW + 60)
    assert (changed.name, changed.url, changed.event_types) == expected
    assert (changed.created_at, changed.updated_at) == (1_800_000_000, 1_800_000_060)
    assert changed.secret == made.secret
    assert registry.get(made.id) == changed


@pytest.mark.parametrize("change", [EndpointChange(), EndpointChange(name=NEW.name, url=NEW.url)])
def test_update_that_changes_nothing_leaves_its_time(registry: EndpointRegistry, change: EndpointChange) -> None:
    made = registry.create(NEW, now=NOW)
    assert registry.update(made.id, change, now=NOW + 60) == made


def test_rotation_ends_the_old_secret_at_once(registry: EndpointRegistry) -> None:
    made = registry.create(NEW, now=NOW)
    rotated = registry.rotate_secret(made.id, keep_old=False, now=NOW + 60)
    assert rotated.secrets_at(NOW + 60) == (rotated.secret.key,)
    assert rotated.secret != made.secret
    assert rotated.updated_at == 1_800_000_060


def test_rotation_keeps_the_old_secret_for_24_hours_when_asked_to(registry: EndpointRegistry) -> None:
    made = registry.create(NEW, now=NOW)
    rotated = registry.rotate_secret(made.id, keep_old=True, now=NOW)
    end = NOW + OLD_SECRET_LIFETIME
    assert rotated.secrets_at(end - 0.1) == (rotated.secret.key, made.secret.key)
    assert rotated.secrets_at(end) == (rotated.secret.key,)


def test_second_rotation_keeps_what_still_lives_or_ends_all_of_it(registry: EndpointRegistry) -> None:
    first = registry.create(NEW, now=NOW)
    second = registry.rotate_secret(first.id, keep_old=True, now=NOW)
    third = registry.rotate_secret(first.id, keep_old=True, now=NOW + 60)
    assert third.secrets_at(NOW + 60) == (third.secret.key, second.secret.key, first.secret.key)
    fourth = registry.rotate_secret(first.id, keep_old=True, now=NOW + OLD_SECRET_LIFETIME + 1)
    assert [secret for secret, _ in fourth.old_secrets] == [third.secret, second.secret]
    fifth = registry.rotate_secret(first.id, keep_old=False, now=NOW + OLD_SECRET_LIFETIME + 2)
    assert fifth.old_secrets == ()


def test_deleted_endpoint_is_gone(registry: EndpointRegistry) -> None:
    made = registry.create(NEW, now=NOW)
    registry.delete(made.id)
    assert registry.find(made.id) is None
    assert registry.subscribers(CALL) == ()
    for use in (
        registry.get,
        registry.delete,
        lambda gone: registry.update(gone, EndpointChange(), now=NOW),
        lambda gone: registry.rotate_secret(gone, keep_old=False, now=NOW),
    ):
        with pytest.raises(ResourceNotFound) as raised:
            use(made.id)
        assert raised.value.message == f"No webhook endpoint found with id '{made.id}'."


def test_subscribers_are_those_that_want_the_type_oldest_first(registry: EndpointRegistry) -> None:
    first = registry.create(NEW, now=NOW)
    registry.create(NewEndpoint(name="b", url=NEW.url, event_types=("batch.failed",)), now=NOW)
    third = registry.create(NewEndpoint(name="c", url=NEW.url, event_types=("batch.failed", CALL)), now=NOW)
    assert registry.subscribers(CALL) == (first, third)
