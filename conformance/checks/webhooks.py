"""`realtime.call.incoming`: how it is delivered and signed, and what it says of the call."""

from functools import partial
from itertools import pairwise
from typing import Any

from ringback.fixtures.validation import validator

from ..bench import INCOMING, SESSION, Bench, describe
from ..client.errors import WaitTimeout
from ..client.webhook_receiver import TOLERANCE, Answer, Delivery
from ..requirement import Level, requirement
from ..sources import SDK, SPEC, STANDARD_WEBHOOKS, WEBHOOK_GUIDE, rfc

NEEDS = {"rest", "sip", "webhooks"}
EVENT = "types/webhooks/realtime_call_incoming_webhook_event.py"
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=WEBHOOK_GUIDE, needs=NEEDS)
in_the_sdk = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="SDK", link=SDK, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


async def delivered(bench: Bench, **options: Any) -> Delivery:
    """What an INVITE makes of itself in a webhook; `options` are those of `Phone.dial`."""
    return await bench.delivery_of(await bench.dial(**options))


def sip_headers(delivery: Delivery) -> list[tuple[str, str]]:
    """The headers of the INVITE as the webhook has them, without what is no header at all."""
    headers = delivery.data.get("sip_headers")
    return [
        (str(each.get("name")), str(each.get("value")))
        for each in (headers if isinstance(headers, list) else [])
        if isinstance(each, dict)
    ]


def values(delivery: Delivery, name: str) -> list[str]:
    return [value for key, value in sip_headers(delivery) if key.lower() == name.lower()]


# Delivery


@documented(
    "WEBHOOK-DELIVERY-01",
    says="An INVITE is told to the project's endpoint by a POST.",
    clause="Webhooks guide: an HTTP POST to your endpoint",
)
async def incoming_call_is_posted(bench: Bench) -> None:
    delivery = await delivered(bench)
    bench.expect(delivery.method == "POST", "POST", delivery.method)


@documented(
    "WEBHOOK-DELIVERY-02",
    says="The content type of a webhook is application/json.",
    clause="Webhooks guide, headers of the example",
)
async def webhook_is_json(bench: Bench) -> None:
    kind = ((await delivered(bench)).header("content-type") or "").partition(";")[0].strip().lower()
    bench.expect(kind == "application/json", "application/json", kind or "no content type")


@in_the_sdk(
    "WEBHOOK-DELIVERY-03",
    says="A webhook has the headers webhook-id, webhook-timestamp and webhook-signature.",
    clause="lib/_webhooks.py: get_required_header",
)
async def signed_headers_are_there(bench: Bench) -> None:
    delivery = await delivered(bench)
    missing = [name for name in SIGNED if not delivery.header(name)]
    bench.expect(not missing, f"the headers {', '.join(SIGNED)}", f"none of the name {', '.join(missing)}")


@documented(
    "WEBHOOK-DELIVERY-04",
    calls=2,
    says="Two events have different webhook-ids.",
    clause="Webhooks guide: webhook-id is an idempotency key",
)
async def webhook_ids_differ(bench: Bench) -> None:
    ids = [(await delivered(bench)).webhook_id for _ in range(2)]
    bench.expect(ids[0] != ids[1], "two webhook-ids", ids)


@recommended(
    "WEBHOOK-DELIVERY-05",
    says="The user agent of a webhook begins with OpenAI/.",
    evidence="DOC",
    clause="Webhooks guide, headers of the example",
    link=WEBHOOK_GUIDE,
)
async def user_agent_is_the_services(bench: Bench) -> None:
    agent = (await delivered(bench)).header("user-agent") or "none"
    bench.expect(agent.startswith("OpenAI/"), "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)", agent)


@recommended(
    "WEBHOOK-DELIVERY-06",
    says="An event that was answered with 200 is not delivered again at once.",
    evidence="DOC",
    clause="Webhooks guide: duplicates are possible",
    link=WEBHOOK_GUIDE,
)
async def event_is_delivered_once(bench: Bench) -> None:
    call = await bench.dial()
    await bench.delivery_of(call)
    again = bench.watch(bench.delivery_of(call, count=2))
    bench.expect(await bench.nothing(again), "one delivery", "a second one")


@observed(
    "WEBHOOK-DELIVERY-07",
    says="A webhook-id begins with wh_.",
    evidence="DOC",
    clause="Webhooks guide, headers of the example",
    link=WEBHOOK_GUIDE,
)
async def webhook_id_begins_with_wh(bench: Bench) -> None:
    identifier = str((await delivered(bench)).webhook_id)
    bench.expect(identifier.startswith("wh_"), "wh_…", identifier)


# Signature


@in_the_sdk(
    "WEBHOOK-SIGN-01",
    says="The signature of a webhook verifies with the endpoint's secret.",
    clause="lib/_webhooks.py: HMAC-SHA256 of id, timestamp and body",
    needs=NEEDS | {"webhook-secret"},
)
async def signature_verifies(bench: Bench) -> None:
    delivery = await delivered(bench)
    bench.expect(delivery.verified, "a delivery that verifies", delivery.problem)


@in_the_sdk(
    "WEBHOOK-SIGN-02",
    says="The webhook-timestamp is at most 300 seconds away from the time of delivery.",
    clause="lib/_webhooks.py: tolerance",
)
async def timestamp_is_now(bench: Bench) -> None:
    delivery = await delivered(bench)
    stamp = delivery.header("webhook-timestamp") or ""
    bench.expect(stamp.isascii() and stamp.isdigit(), "Unix seconds", repr(stamp))
    away = delivery.at - int(stamp[:12])
    bench.expect(abs(away) <= TOLERANCE, f"at most {TOLERANCE} s", f"{away:.0f} s")


@in_the_sdk(
    "WEBHOOK-SIGN-03",
    says="The webhook-timestamp is a whole number of Unix seconds.",
    clause="lib/_webhooks.py: int(timestamp)",
)
async def timestamp_is_a_number(bench: Bench) -> None:
    stamp = (await delivered(bench)).header("webhook-timestamp") or ""
    bench.expect(stamp.isascii() and stamp.isdigit(), "digits", repr(stamp))


@recommended(
    "WEBHOOK-SIGN-04",
    says="Each entry of webhook-signature is v1, and base64.",
    evidence="DOC",
    clause="Standard Webhooks: the signature scheme; the SDK takes entries without v1, too",
    link=STANDARD_WEBHOOKS,
)
async def signatures_have_their_version(bench: Bench) -> None:
    entries = ((await delivered(bench)).header("webhook-signature") or "").split()
    bench.expect(entries and all(each.startswith("v1,") for each in entries), "v1,… each", entries)


# Payload


@in_the_sdk(
    "WEBHOOK-PAYLOAD-01",
    says="The event has the fields and types that the SDK's model requires.",
    clause=EVENT,
)
async def event_fits_the_schema(bench: Bench) -> None:
    delivery = await delivered(bench)
    problems = validator("webhooks").problems(delivery.event)
    bench.expect(not problems, "an event of that schema", "; ".join(problems))


@in_the_sdk(
    "WEBHOOK-PAYLOAD-02",
    says="The created_at of the event is the time of the call, in Unix seconds.",
    clause=f"{EVENT}: created_at",
)
async def created_at_is_now(bench: Bench) -> None:
    delivery = await delivered(bench)
    created = (delivery.event or {}).get("created_at")
    away = delivery.at - created if isinstance(created, int) else None
    bench.expect(away is not None and abs(away) <= TOLERANCE, "the time of the call", created)


@in_the_sdk(
    "WEBHOOK-PAYLOAD-03",
    calls=2,
    says="Two events have different ids.",
    clause=f"{EVENT}: the unique ID of the event",
)
async def event_ids_differ(bench: Bench) -> None:
    ids = [((await delivered(bench)).event or {}).get("id") for _ in range(2)]
    bench.expect(ids[0] != ids[1], "two ids", ids)


@in_the_sdk(
    "WEBHOOK-PAYLOAD-04",
    calls=2,
    says="Two calls have different call ids.",
    clause=f"{EVENT}: data.call_id, the ID of the pending SIP call",
)
async def call_ids_differ(bench: Bench) -> None:
    ids = [(await delivered(bench)).call_id for _ in range(2)]
    bench.expect(ids[0] != ids[1], "two call ids", ids)


@in_the_sdk(
    "WEBHOOK-PAYLOAD-05",
    says="The call id of the event is the one that accept takes.",
    clause=f"{EVENT}: pass this value unchanged when accepting",
)
async def call_id_can_be_accepted(bench: Bench) -> None:
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).accept(call_id, SESSION)
    bench.expect(answer.status == 200, "200 to accept", describe(answer))
    await call.answered(timeout=bench.within.answer)


@recommended("WEBHOOK-PAYLOAD-06", says="The object of the event is event.", clause=f"{EVENT}: object")
async def object_is_event(bench: Bench) -> None:
    kind = ((await delivered(bench)).event or {}).get("object")
    bench.expect(kind == "event", "event", kind)


@observed("WEBHOOK-PAYLOAD-07", says="The id of the event begins with evt_.", clause="recordings, 2025 and 2026")
async def event_id_begins_with_evt(bench: Bench) -> None:
    identifier = str(((await delivered(bench)).event or {}).get("id"))
    bench.expect(identifier.startswith("evt_"), "evt_…", identifier)


@observed(
    "WEBHOOK-PAYLOAD-08",
    says="A call id is rtc_ and letters, digits, _ or -.",
    clause="recordings, July 2026; third-party observations, 2025 and 2026",
)
async def call_id_has_its_form(bench: Bench) -> None:
    call_id = (await delivered(bench)).call_id
    rest = call_id.removeprefix("rtc_").replace("_", "").replace("-", "")
    bench.expect(call_id.startswith("rtc_") and rest.isascii() and rest.isalnum(), "rtc_…", call_id)


# The headers of the INVITE


@in_the_sdk(
    "WEBHOOK-HEADERS-01",
    says="A header of the INVITE is in the event by its name and value.",
    clause=f"{EVENT}: retained names and values are preserved",
)
async def headers_are_kept(bench: Bench) -> None:
    given = ("X-Account-Reference", '42; kind=gold, a="b"')
    headers = sip_headers(await delivered(bench, headers=[given]))
    bench.expect(given in headers, f"{given[0]}: {given[1]}", [each for each in headers if each[0][:2] == "X-"])


@in_the_sdk(
    "WEBHOOK-HEADERS-02",
    says="A header that the INVITE repeats is repeated in the event.",
    clause=f"{EVENT}: repeated entries are preserved",
)
async def repeated_headers_are_kept(bench: Bench) -> None:
    delivery = await delivered(bench, headers=[("X-Part", "one"), ("X-Between", "-"), ("X-Part", "two")])
    bench.expect(values(delivery, "X-Part") == ["one", "two"], "one, two", values(delivery, "X-Part"))


@in_the_sdk(
    "WEBHOOK-HEADERS-03",
    says="The headers are in the order of the INVITE.",
    clause=f"{EVENT}: order is preserved",
)
async def headers_keep_their_order(bench: Bench) -> None:
    call = await bench.dial(headers=[("X-Second", "2"), ("X-First", "1"), ("X-Third", "3")])
    told = sip_headers(await bench.delivery_of(call))
    sent = [line.partition(": ")[::2] for line in call.messages[0].raw.decode().split("\r\n")[1:]]
    places = [sent.index(each) for each in told if sent.count(each) == 1]
    bench.expect(len(places) > 3 and all(one < other for one, other in pairwise(places)), f"{sent}", told)


@in_the_sdk(
    "WEBHOOK-HEADERS-04",
    says="The Authorization header of the INVITE is left out.",
    clause=f"{EVENT}: excluding SIP authorization headers",
)
async def authorization_is_left_out(bench: Bench) -> None:
    delivery = await delivered(bench, headers=[("Authorization", 'Digest username="u", response="secret"')])
    bench.expect(not values(delivery, "Authorization"), "no Authorization", values(delivery, "Authorization"))


@in_the_sdk(
    "WEBHOOK-HEADERS-05",
    says="The Proxy-Authorization header of the INVITE is left out.",
    clause=f"{EVENT}: excluding SIP authorization headers",
)
async def proxy_authorization_is_left_out(bench: Bench) -> None:
    delivery = await delivered(bench, headers=[("Proxy-Authorization", 'Digest username="u", response="secret"')])
    found = values(delivery, "Proxy-Authorization")
    bench.expect(not found, "no Proxy-Authorization", found)


@recommended(
    "WEBHOOK-HEADERS-06",
    says="Max-Forwards, CSeq and Content-Type of the INVITE are in the event as well.",
    evidence="DOC",
    clause="OpenAPI, example of the webhook realtime.call.incoming",
    link=SPEC,
)
async def technical_headers_are_there(bench: Bench) -> None:
    delivery = await delivered(bench)
    missing = [name for name in ("Max-Forwards", "CSeq", "Content-Type") if not values(delivery, name)]
    bench.expect(not missing, "Max-Forwards, CSeq and Content-Type", f"no {', '.join(missing)}")


@observed(
    "WEBHOOK-HEADERS-07",
    says="From and To are raw: display name, brackets and tag included.",
    clause="third-party observations, 2026; the guide's samples show bare URIs",
)
async def addresses_are_raw(bench: Bench) -> None:
    call = await bench.dial()
    sent = [call.invite.headers["From"]]
    found = values(await bench.delivery_of(call), "From")
    bench.expect(found == sent, sent[0], found)


@recommended(
    "WEBHOOK-HEADERS-08",
    says="A header value in UTF-8 is told as it is.",
    evidence="RFC",
    clause="RFC 3261 7.3.1: TEXT-UTF8-TRIM",
    link=rfc(3261, "7.3.1"),
)
async def utf8_is_kept(bench: Bench) -> None:
    delivery = await delivered(bench, headers=[("X-City", "Zürich 東京")])
    bench.expect(values(delivery, "X-City") == ["Zürich 東京"], "Zürich 東京", values(delivery, "X-City"))


@choice(
    "WEBHOOK-HEADERS-09",
    says="A header in its compact form is told by the name that was sent.",
    clause="nobody has shown it",
)
async def compact_names(bench: Bench) -> None:
    delivery = await delivered(bench, headers=[("k", "timer")])
    bench.note(f"k is told as {[name for name, value in sip_headers(delivery) if value == 'timer']}")


# The media


@in_the_sdk(
    "WEBHOOK-SECURITY-01",
    says="For an offer without SRTP, sip_media_security is rtp, or left out as unknown.",
    clause=f"{EVENT}: sip_media_security",
)
async def plain_offer_is_rtp(bench: Bench) -> None:
    security = (await delivered(bench)).data.get("sip_media_security", "rtp")
    bench.expect(security == "rtp", "rtp", security)


@recommended(
    "WEBHOOK-SECURITY-02",
    says="For an INVITE without an offer, sip_media_security is left out.",
    clause=f"{EVENT}: omitted when unknown",
)
async def security_is_unknown_without_an_offer(bench: Bench) -> None:
    try:
        delivery = await delivered(bench, offer=b"")
    except WaitTimeout:
        return  # a far end that refuses such INVITEs has nothing to tell
    bench.expect("sip_media_security" not in delivery.data, "none", delivery.data.get("sip_media_security"))


@choice(
    "WEBHOOK-SETUP-01",
    says="A call can be accepted although its webhook was answered with 500.",
    clause="implied by official samples that accept before they answer",
    needs=NEEDS | {"isolation"},
)
async def status_of_the_webhook_does_not_matter(bench: Bench) -> None:
    bench.receiver.script(Answer(status=500))
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).accept(call_id, SESSION)
    bench.note(f"{answer.status} to accept after {INCOMING} was answered with 500, {call.state.value}")
