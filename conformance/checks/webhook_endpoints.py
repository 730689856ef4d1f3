"""The webhook endpoints of a project: how they are managed, and who gets what."""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ringback.fixtures.validation import validator

from ..bench import INCOMING, SESSION, Bench, delivery_names, describe
from ..client.call import Call
from ..client.rest import RestAnswer
from ..client.webhook_receiver import Answer, Delivery, problem_with
from ..requirement import Level, requirement
from ..sources import SDK

MANAGED = {"rest", "webhook-endpoints", "webhooks", "isolation"}
CALLED = MANAGED | {"sip"}
CLAUSE = "resources/webhooks/webhooks.py"
DAY = 24 * 3600.0
OTHER_TYPE = "batch.completed"
UNKNOWN = "we_conformance0000000000"

in_the_sdk = partial(requirement, level=Level.MUST, evidence="SDK", clause=CLAUSE, link=SDK, needs=MANAGED)
recommended = partial(requirement, level=Level.SHOULD, evidence="SDK", clause=CLAUSE, link=SDK, needs=MANAGED)


@asynccontextmanager
async def endpoint(bench: Bench, **options: Any) -> AsyncIterator[Mapping[str, Any]]:
    """A new endpoint at a path of its own, as `create` answered it; deleted in the end."""
    rest = await bench.rest()
    url = f"{bench.receiver.url}/{len(bench.receiver.deliveries)}{options.pop('path', '/second')}"
    made = succeeded(bench, await rest.create_webhook_endpoint(url, **options), "create")
    if is_usable(made.get("signing_secret")):
        bench.receiver.secrets.append(str(made["signing_secret"]))
    try:
        yield made
    finally:
        await rest.delete_webhook_endpoint(str(made.get("id")))


def is_usable(secret: object) -> bool:
    """Whether the SDK can verify with it: `whsec_` and base64, or any other text."""
    if not isinstance(secret, str):
        return False
    try:
        return not secret.startswith("whsec_") or bool(base64.b64decode(secret[6:], validate=True))
    except binascii.Error:
        return False


def succeeded(bench: Bench, answer: RestAnswer, what: str) -> Mapping[str, Any]:
    """The object of a successful answer."""
    bench.expect(answer.is_success, f"success of {what}", describe(answer))
    body = answer.json()
    bench.expect(isinstance(body, dict), f"an object from {what}", describe(answer))
    return body if isinstance(body, dict) else {}


def fits(bench: Bench, name: str, body: object) -> None:
    """A body is as the SDK's model has it."""
    problems = validator("rest").problems_of(name, body)
    bench.expect(not problems, f"a {name}", "; ".join(problems))


async def delivery_at(bench: Bench, call: Call, made: Mapping[str, Any]) -> Delivery:
    """The delivery about that call at that endpoint."""
    path = str(made.get("url")).removeprefix(bench.receiver.url)
    return await bench.receiver.wait_for(
        INCOMING,
        where=lambda delivery: delivery.path.endswith(path) and delivery_names(delivery, call),
        timeout=bench.within.webhook,
    )


# Create


@in_the_sdk("WEBHOOK-ENDPOINT-01", says="Create answers with the endpoint, its signing secret included.")
async def create_answers_with_the_secret(bench: Bench) -> None:
    async with endpoint(bench) as made:
        fits(bench, "webhook_endpoints.create.response", made)
        bench.expect(made.get("signing_secret"), "a signing_secret", sorted(made))


@in_the_sdk("WEBHOOK-ENDPOINT-02", says="A created endpoint has the name, URL and event types that were given.")
async def created_endpoint_is_as_given(bench: Bench) -> None:
    async with endpoint(bench, name="second one", event_types=(INCOMING, OTHER_TYPE)) as made:
        found = made.get("name"), made.get("event_types"), str(made.get("url")).startswith(bench.receiver.url)
        bench.expect(found == ("second one", [INCOMING, OTHER_TYPE], True), "what was given", made)


@recommended(
    "WEBHOOK-ENDPOINT-03", says="Create without a URL is answered with 400.", clause=f"{CLAUSE}: url is required"
)
async def create_needs_a_url(bench: Bench) -> None:
    body = {"name": "x", "event_types": [INCOMING]}
    answer = await (await bench.rest()).request("POST", "/webhook_endpoints", json_body=body)
    bench.expect(answer.status == 400, "400", describe(answer))


@recommended(
    "WEBHOOK-ENDPOINT-04",
    says="Create with an event type that does not exist is answered with 400.",
    clause="types/webhooks/webhook_create_params.py: event_types",
)
async def create_knows_its_event_types(bench: Bench) -> None:
    answer = await (await bench.rest()).create_webhook_endpoint(bench.receiver.url, event_types=["realtime.call.ended"])
    bench.expect(answer.status == 400, "400", describe(answer))


# Retrieve, list


@in_the_sdk("WEBHOOK-ENDPOINT-05", says="Retrieve answers with the endpoint of that id.")
async def endpoint_can_be_retrieved(bench: Bench) -> None:
    async with endpoint(bench, name="retrieved") as made:
        found = succeeded(bench, await (await bench.rest()).webhook_endpoint(str(made.get("id"))), "retrieve")
        fits(bench, "webhook_endpoints.retrieve.response", found)
        bench.expect(found.get("id") == made.get("id") and found.get("name") == "retrieved", f"{made}", found)


@in_the_sdk(
    "WEBHOOK-ENDPOINT-06",
    says="Retrieve and list never show the signing secret.",
    clause="types/webhooks/webhook_endpoint_with_secret.py: only when created or rotated",
)
async def secret_is_shown_once(bench: Bench) -> None:
    async with endpoint(bench) as made:
        rest, secret = await bench.rest(), str(made.get("signing_secret"))
        for answer in (await rest.webhook_endpoint(str(made.get("id"))), await rest.list_webhook_endpoints()):
            succeeded(bench, answer, answer.path)
            hidden = secret.encode() not in answer.body and b'"signing_secret":' not in answer.body
            bench.expect(hidden, "no signing secret", describe(answer))


@recommended("WEBHOOK-ENDPOINT-07", says="Retrieve of an endpoint that does not exist is answered with 404.")
async def unknown_endpoint_gets_404(bench: Bench) -> None:
    answer = await (await bench.rest()).webhook_endpoint(UNKNOWN)
    bench.expect(answer.status == 404, "404", describe(answer))


@in_the_sdk("WEBHOOK-ENDPOINT-08", says="List answers with a page: data, first_id, last_id and has_more.")
async def list_is_a_page(bench: Bench) -> None:
    async with endpoint(bench) as made:
        page = succeeded(bench, await (await bench.rest()).list_webhook_endpoints(), "list")
        fits(bench, "webhook_endpoints.list.response", page)
        ids = [each.get("id") for each in page["data"]]
        bench.expect(made.get("id") in ids, str(made.get("id")), ids)
        bench.expect([page.get("first_id"), page.get("last_id")] == [ids[0], ids[-1]], "first and last id", page)


@in_the_sdk(
    "WEBHOOK-ENDPOINT-09",
    says="List shows the newest endpoint first.",
    clause=f"{CLAUSE}: list, in newest-first order",
)
async def newest_endpoint_is_first(bench: Bench) -> None:
    async with endpoint(bench) as one, endpoint(bench) as other:
        page = succeeded(bench, await (await bench.rest()).list_webhook_endpoints(), "list")
        ids = [each.get("id") for each in page.get("data", []) if isinstance(each, dict)]
        bench.expect(ids[:2] == [other.get("id"), one.get("id")], "the newest first", ids)


@in_the_sdk(
    "WEBHOOK-ENDPOINT-10",
    says="List by limit and after yields every endpoint once.",
    clause="types/webhooks/webhook_list_params.py: after and limit",
)
async def pages_hold_everything_once(bench: Bench) -> None:
    rest = await bench.rest()
    async with endpoint(bench) as one, endpoint(bench) as two, endpoint(bench) as three:
        wanted = {str(each.get("id")) for each in (one, two, three)}
        found: list[str] = []
        for _ in range(20):
            after = {"after": found[-1]} if found else {}
            page = succeeded(bench, await rest.list_webhook_endpoints(limit="2", **after), "list")
            data = [str(each.get("id")) for each in page.get("data", []) if isinstance(each, dict)]
            bench.expect(len(data) <= 2, "at most two a page", data)
            found += data
            if not (page.get("has_more") and data):
                break
        bench.expect(wanted <= set(found) and len(found) == len(set(found)), f"{wanted}, each once", found)


# Update, delete


@in_the_sdk("WEBHOOK-ENDPOINT-11", says="Update changes what it names and leaves the rest.")
async def update_changes_what_it_names(bench: Bench) -> None:
    async with endpoint(bench, name="before") as made:
        rest, name = await bench.rest(), str(made.get("id"))
        fits(
            bench, "webhook_endpoints.update.response", (await rest.update_webhook_endpoint(name, name="after")).json()
        )
        found = succeeded(bench, await rest.webhook_endpoint(name), "retrieve")
        kept = found.get("url") == made.get("url") and found.get("event_types") == made.get("event_types")
        bench.expect(found.get("name") == "after" and kept, "another name only", found)


@in_the_sdk(
    "WEBHOOK-ENDPOINT-12",
    says="After an update of its URL, an endpoint gets its webhooks there.",
    clause="types/webhooks/webhook_update_params.py: a new HTTPS URL that receives webhook deliveries",
    needs=CALLED,
)
async def updated_url_gets_the_webhooks(bench: Bench) -> None:
    async with endpoint(bench) as made:
        moved = {**made, "url": f"{made.get('url')}-moved"}
        rest = await bench.rest()
        succeeded(bench, await rest.update_webhook_endpoint(str(made.get("id")), url=moved["url"]), "update")
        await delivery_at(bench, await bench.dial(), moved)


@in_the_sdk("WEBHOOK-ENDPOINT-13", says="Delete answers with the id and deleted.")
async def delete_says_so(bench: Bench) -> None:
    async with endpoint(bench) as made:
        answer = await (await bench.rest()).delete_webhook_endpoint(str(made.get("id")))
        body = succeeded(bench, answer, "delete")
        fits(bench, "webhook_endpoints.delete.response", body)
        bench.expect(body.get("id") == made.get("id") and body.get("deleted") is True, "deleted", body)


@in_the_sdk("WEBHOOK-ENDPOINT-14", says="A deleted endpoint is no more in the list.")
async def deleted_endpoint_is_gone(bench: Bench) -> None:
    rest = await bench.rest()
    async with endpoint(bench) as made:
        succeeded(bench, await rest.delete_webhook_endpoint(str(made.get("id"))), "delete")
        page = succeeded(bench, await rest.list_webhook_endpoints(), "list")
        ids = [each.get("id") for each in page.get("data", []) if isinstance(each, dict)]
        bench.expect(made.get("id") not in ids, f"no {made.get('id')}", ids)


@in_the_sdk("WEBHOOK-ENDPOINT-15", says="A deleted endpoint gets no webhooks any more.", needs=CALLED)
async def deleted_endpoint_gets_nothing(bench: Bench) -> None:
    async with endpoint(bench) as made:
        succeeded(bench, await (await bench.rest()).delete_webhook_endpoint(str(made.get("id"))), "delete")
        call = await bench.dial()
        await bench.delivery_of(call)
        late = bench.watch(delivery_at(bench, call, made))
        bench.expect(await bench.nothing(late), "nothing at the deleted endpoint", "a delivery")


# Rotation


async def rotated(bench: Bench, made: Mapping[str, Any], *, keeps: bool | None = None) -> tuple[Delivery, str, str]:
    """The first delivery after a rotation, the old secret and the new one."""
    old, rest = str(made.get("signing_secret")), await bench.rest()
    answer = await rest.rotate_webhook_secret(str(made.get("id")), keeps_old_secret=keeps)
    new = succeeded(bench, answer, "rotate_secret").get("signing_secret")
    bench.expect(is_usable(new), "a signing_secret", new)
    bench.receiver.secrets.append(str(new))
    return await delivery_at(bench, await bench.dial(), made), old, str(new)


def verifies(delivery: Delivery, secret: str) -> bool:
    """By that secret, at whatever time: the clock of a target may be its own."""
    stamp = delivery.header("webhook-timestamp") or ""
    at = int(stamp[:12]) if stamp.isascii() and stamp.isdigit() else 0
    return is_usable(secret) and problem_with(dict(delivery.headers), delivery.body, [secret], at) is None


@in_the_sdk("WEBHOOK-ROTATE-01", says="A rotation answers with a new signing secret.")
async def rotation_gives_a_new_secret(bench: Bench) -> None:
    async with endpoint(bench) as made:
        answer = await (await bench.rest()).rotate_webhook_secret(str(made.get("id")))
        body = succeeded(bench, answer, "rotate_secret")
        fits(bench, "webhook_endpoints.rotate_secret.response", body)
        bench.expect(body.get("signing_secret") != made.get("signing_secret"), "another secret", "the same one")


@in_the_sdk("WEBHOOK-ROTATE-02", says="After a rotation, webhooks verify with the new secret.", needs=CALLED)
async def new_secret_verifies(bench: Bench) -> None:
    async with endpoint(bench) as made:
        delivery, _, new = await rotated(bench, made)
        bench.expect(verifies(delivery, new), "a signature by the new secret", delivery.header("webhook-signature"))


@in_the_sdk(
    "WEBHOOK-ROTATE-03",
    says="After a rotation that does not keep the old secret, nothing is signed with it.",
    clause="types/webhooks/webhook_rotate_secret_params.py: false invalidates the previous secret immediately",
    needs=CALLED,
)
async def old_secret_ends_at_once(bench: Bench) -> None:
    async with endpoint(bench) as made:
        delivery, old, _ = await rotated(bench, made, keeps=False)
        bench.expect(not verifies(delivery, old), "no signature by the old secret", "one")


@in_the_sdk(
    "WEBHOOK-ROTATE-04",
    says="After a rotation that keeps the old secret, webhooks verify with either.",
    clause="types/webhooks/webhook_rotate_secret_params.py: keep the previous secret valid for 24 hours",
    needs=CALLED,
)
async def old_secret_is_kept(bench: Bench) -> None:
    async with endpoint(bench) as made:
        delivery, *secrets = await rotated(bench, made, keeps=True)
        found = [verifies(delivery, secret) for secret in secrets]
        bench.expect(found == [True, True], "a signature by each", delivery.header("webhook-signature"))


@in_the_sdk(
    "WEBHOOK-ROTATE-05",
    says="A secret that was kept ends after 24 hours.",
    clause="types/webhooks/webhook_rotate_secret_params.py: valid for 24 hours",
    needs=CALLED | {"clock"},
    calls=2,
)
async def kept_secret_ends(bench: Bench) -> None:
    async with endpoint(bench) as made:
        _, old, new = await rotated(bench, made, keeps=True)
        await bench.clock.advance(DAY + 60)
        delivery = await delivery_at(bench, await bench.dial(), made)
        found = [verifies(delivery, secret) for secret in (old, new)]
        bench.expect(found == [False, True], "a signature by the new secret alone", found)


# Test


@in_the_sdk("WEBHOOK-TEST-01", says="A test delivers an event of the type that it was given.")
async def test_delivers_an_event(bench: Bench) -> None:
    async with endpoint(bench) as made:
        answer = await (await bench.rest()).test_webhook_endpoint(str(made.get("id")), INCOMING)
        body = succeeded(bench, answer, "test")
        fits(bench, "webhook_endpoints.test.response", body)
        delivery = await bench.receiver.wait_for(None, timeout=bench.within.webhook)
        bench.expect(delivery.type == INCOMING, INCOMING, delivery.type)


@in_the_sdk("WEBHOOK-TEST-02", says="The event of a test is signed like any other.")
async def test_is_signed(bench: Bench) -> None:
    async with endpoint(bench) as made:
        await (await bench.rest()).test_webhook_endpoint(str(made.get("id")), INCOMING)
        delivery = await bench.receiver.wait_for(None, timeout=bench.within.webhook)
        signed = verifies(delivery, str(made.get("signing_secret")))
        bench.expect(signed, "a signature by the endpoint's secret", delivery.problem)


@in_the_sdk(
    "WEBHOOK-TEST-03",
    says="A test is a success with the status of the endpoint, even if that is 500.",
    clause="types/webhooks/webhook_endpoint_test_result.py: always true for returned results",
)
async def test_tells_the_status(bench: Bench) -> None:
    async with endpoint(bench) as made:
        bench.receiver.script(Answer(status=500))
        body = succeeded(bench, await (await bench.rest()).test_webhook_endpoint(str(made.get("id")), INCOMING), "test")
        bench.expect(body.get("status_code") == 500 and body.get("success") is True, "success with 500", body)


@requirement(
    "WEBHOOK-TEST-04",
    level=Level.OBSERVED,
    says="The call of a test does not exist: accept is answered with 404.",
    evidence="OBS",
    clause="third-party observation, 2026",
    needs=MANAGED,
)
async def call_of_a_test_does_not_exist(bench: Bench) -> None:
    async with endpoint(bench) as made:
        rest = await bench.rest()
        await rest.test_webhook_endpoint(str(made.get("id")), INCOMING)
        delivery = await bench.receiver.wait_for(INCOMING, timeout=bench.within.webhook)
        answer = await rest.accept(delivery.call_id, SESSION)
        bench.expect(answer.status == 404, "404", describe(answer))


# Who gets what


@in_the_sdk("WEBHOOK-TYPES-01", says="The list of event types has realtime.call.incoming.")
async def event_types_are_listed(bench: Bench) -> None:
    body = succeeded(bench, await (await bench.rest()).request("GET", "/webhook_event_types"), "the list")
    fits(bench, "webhook_event_types.list.response", body)
    bench.expect(INCOMING in body["data"], INCOMING, body["data"])


@in_the_sdk(
    "WEBHOOK-FANOUT-01",
    says="Every endpoint that wants the event gets it.",
    clause="types/webhooks/webhook_endpoint.py: event_types trigger deliveries to this endpoint",
    needs=CALLED,
)
async def every_endpoint_is_told(bench: Bench) -> None:
    async with endpoint(bench) as one, endpoint(bench, path="/third") as other:
        call = await bench.dial()
        for made in (one, other):
            await delivery_at(bench, call, made)


@in_the_sdk(
    "WEBHOOK-FANOUT-02",
    says="An endpoint for other event types does not get the event.",
    clause="types/webhooks/webhook_endpoint.py: event_types trigger deliveries to this endpoint",
    needs=CALLED,
)
async def other_types_are_not_told(bench: Bench) -> None:
    async with endpoint(bench, event_types=[OTHER_TYPE]) as made:
        call = await bench.dial()
        await bench.delivery_of(call)
        late = bench.watch(delivery_at(bench, call, made))
        bench.expect(await bench.nothing(late), "no delivery", "one")


@in_the_sdk(
    "WEBHOOK-FANOUT-03",
    says="Each endpoint's webhooks are signed with its own secret alone.",
    clause="types/webhooks/webhook_endpoint_with_secret.py: the endpoint's signing secret",
    needs=CALLED,
)
async def each_endpoint_has_its_secret(bench: Bench) -> None:
    async with endpoint(bench) as one, endpoint(bench, path="/third") as other:
        call = await bench.dial()
        for made, stranger in ((one, other), (other, one)):
            delivery = await delivery_at(bench, call, made)
            found = [verifies(delivery, str(each.get("signing_secret"))) for each in (made, stranger)]
            bench.expect(found == [True, False], "its own secret", delivery.header("webhook-signature"))


@requirement(
    "WEBHOOK-FANOUT-04",
    level=Level.CHOICE,
    says="Every endpoint gets the event with the same webhook-id.",
    evidence="CHOICE",
    clause="nobody has shown it",
    needs=CALLED,
)
async def webhook_id_is_the_events(bench: Bench) -> None:
    async with endpoint(bench) as one, endpoint(bench, path="/third") as other:
        call = await bench.dial()
        ids = {(await delivery_at(bench, call, made)).webhook_id for made in (one, other)}
        bench.note("the same webhook-id" if len(ids) == 1 else "different webhook-ids")
