"""`POST /realtime/calls`: an offer is posted, in every documented way, and a call is made."""

import re
from functools import partial
from typing import Any

from ..bench import SESSION, Bench, describe
from ..client.events import ReceivedEvent
from ..client.rest import RestAnswer
from ..client.webrtc import WebRtcCall
from ..requirement import Level, requirement
from ..sources import SPEC, WEBRTC_GUIDE
from .client_secrets import secret_of
from .sideband import part, update

NEEDS = {"rest", "webrtc"}
SECRETS = NEEDS | {"client-secrets"}
CREATE = "OpenAPI, POST /realtime/calls"
GUIDE = "WebRTC guide"
RECORDED = "recorded answer of the service, July 2026"
PIRATE: dict[str, Any] = {**SESSION, "instructions": "Speak like a pirate."}
SAILOR: dict[str, Any] = {**SESSION, "instructions": "Speak like a sailor."}
MINER: dict[str, Any] = {**SESSION, "instructions": "Speak like a miner."}
PAGE = "https://page.example"
"""The origin of a page that calls."""
CALL_ID = re.compile(r"rtc_[A-Za-z0-9_-]+\Z")  # OBS: two clusters' forms, and that of the documentation

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=CREATE, link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


async def created(bench: Bench, **options: Any) -> RestAnswer:
    """The answer of 201 to an offer that is not connected."""
    _, offer = await bench.offer()
    answer = await bench.post(offer, SESSION, **options)
    bench.expect(answer.status == 201, "201 to the offer", describe(answer))
    return answer


def call_id_of(bench: Bench, answer: RestAnswer) -> str:
    location = answer.header("Location") or ""
    call_id = location.rpartition("/")[2]
    bench.expect(CALL_ID.match(call_id), "a Location whose last segment is the call id, rtc_…", repr(location))
    return call_id


async def updated(bench: Bench, call: WebRtcCall) -> ReceivedEvent:
    """The `session.updated` that a change of nothing brings."""
    await call.events.send(update())
    return await bench.event(call.events, "session.updated")


# The answer


@documented("WEBRTC-CREATE-01", says="An SDP offer with a session is answered with 201 and an SDP.")
async def offer_gets_an_answer(bench: Bench) -> None:
    answer = await created(bench)
    bench.expect(answer.body.startswith(b"v=0"), "an SDP", describe(answer))


@documented("WEBRTC-CREATE-02", says="The last path segment of Location is the call id.")
async def location_has_the_call_id(bench: Bench) -> None:
    call_id_of(bench, await created(bench))


@documented("WEBRTC-CREATE-03", says="Location is a relative URL: /v1/realtime/calls/ and the call id.")
async def location_is_relative(bench: Bench) -> None:
    location = (await created(bench)).header("Location")
    bench.expect((location or "").startswith("/v1/realtime/calls/"), "/v1/realtime/calls/…", repr(location))


@observed(
    "WEBRTC-CREATE-04",
    says="The SDP comes as text/plain, as recorded, or as application/sdp, as documented.",
    clause=f"{RECORDED}: text/plain; charset=utf-8; {CREATE}: application/sdp",
)
async def answer_has_its_type(bench: Bench) -> None:
    found = (await created(bench)).header("Content-Type") or ""
    kind = found.partition(";")[0].strip().lower()
    bench.expect(kind in ("text/plain", "application/sdp"), "text/plain or application/sdp", repr(found))


# The ways to post


@documented(
    "WEBRTC-CREATE-05",
    says="A bare SDP as application/sdp, with a client secret, makes a call.",
    needs=SECRETS,
)
async def secret_and_sdp_make_a_call(bench: Bench) -> None:
    key = await secret_of(bench)
    call, offer = await bench.offer()
    answer = await bench.post(offer, form="raw", api_key=key)
    await bench.take(call, answer)


@documented(
    "WEBRTC-CREATE-06",
    says="A call that a client secret opens has the session of the secret.",
    clause="OpenAPI, POST /realtime/client_secrets: the session that the secret is for",
    needs=SECRETS,
)
async def secret_brings_its_session(bench: Bench) -> None:
    key = await secret_of(bench, session=PIRATE)
    call = await bench.place(form="raw", api_key=key)
    found = part(await updated(bench, call), "session", "instructions")
    bench.expect(found == PIRATE["instructions"], PIRATE["instructions"], repr(found))


@documented(
    "WEBRTC-CREATE-07",
    says="A form whose parts have no content types makes a call, as FormData sends it.",
    clause=f"{GUIDE}, unified interface: fd.set('sdp', …), fd.set('session', …)",
    link=WEBRTC_GUIDE,
)
async def form_without_types_makes_a_call(bench: Bench) -> None:
    await bench.place(form="bare")


@documented("WEBRTC-CREATE-08", says="A call that a form opens has the session of the form.")
async def form_brings_its_session(bench: Bench) -> None:
    call = await bench.place(session=SAILOR)
    found = part(await updated(bench, call), "session", "instructions")
    bench.expect(found == SAILOR["instructions"], SAILOR["instructions"], repr(found))


@choice(
    "WEBRTC-CREATE-09",
    says="A form whose offer is a file makes a call.",
    clause="FormData of a Blob, and curl with an @file; nobody has shown it",
)
async def form_with_a_file(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await bench.post(offer, SESSION, form="file")
    bench.note(f"{answer.status} {answer.reason}")


@choice(
    "WEBRTC-CREATE-10",
    says="A bare SDP with the project's own key makes a call.",
    clause="Azure wants ephemeral tokens; of the service nobody has shown it",
)
async def project_key_and_sdp(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await bench.post(offer, form="raw")
    bench.note(f"{answer.status} {answer.reason}")


@observed("WEBRTC-CREATE-11", says="The session's id is the call id with sess_ in place of rtc_.")
async def session_has_the_call_id(bench: Bench) -> None:
    call = await bench.place()
    session_id = part(await updated(bench, call), "session", "id")
    wanted = "sess_" + call.id.removeprefix("rtc_")
    bench.expect(session_id == wanted, wanted, repr(session_id))


@documented(
    "WEBRTC-CREATE-12",
    says="One client secret opens several calls.",
    clause="OpenAPI, POST /realtime/client_secrets: can be used to create multiple sessions until it expires",
    needs=SECRETS,
    calls=2,
)
async def secret_opens_several_calls(bench: Bench) -> None:
    key = await secret_of(bench)
    for _ in range(2):
        _, offer = await bench.offer()
        answer = await bench.post(offer, form="raw", api_key=key)
        bench.expect(answer.status == 201, "201 to each offer", describe(answer))


@documented(
    "WEBRTC-CREATE-13",
    says="The session of a form goes before the session of the client secret.",
    clause="OpenAPI, POST /realtime/client_secrets: can also be overridden by the client connection",
    needs=SECRETS,
)
async def form_overrides_the_secret(bench: Bench) -> None:
    key = await secret_of(bench, session=PIRATE)
    call = await bench.place(session=MINER, api_key=key)
    found = part(await updated(bench, call), "session", "instructions")
    bench.expect(found == MINER["instructions"], MINER["instructions"], repr(found))


# Pages of other origins


@documented(
    "WEBRTC-CORS-01",
    says="A pre-flight of a page that wants to post an SDP with a key is granted.",
    clause=f"{GUIDE}: a browser posts to the API itself, with Authorization and Content-Type",
    link=WEBRTC_GUIDE,
    calls=0,
)
async def preflight_is_granted(bench: Bench) -> None:
    asks = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await (await bench.rest()).request("OPTIONS", "/realtime/calls", headers=asks, has_key=False)
    bench.expect(answer.is_success, "2xx to the pre-flight", describe(answer))
    bench.expect(allows(answer, PAGE), f"Access-Control-Allow-Origin for {PAGE}", answer.headers)
    granted = names_in(answer, "Access-Control-Allow-Headers")
    # Fetch, "CORS-preflight fetch": a wildcard does not cover Authorization.
    bench.expect("authorization" in granted, "authorization among the allowed headers", sorted(granted))
    bench.expect(granted & {"content-type", "*"}, "content-type among the allowed headers", sorted(granted))


@documented(
    "WEBRTC-CORS-02",
    says="A page of another origin may read the answer.",
    clause=f"{GUIDE}: a browser posts to the API itself, and reads the SDP",
    link=WEBRTC_GUIDE,
)
async def page_may_read_the_answer(bench: Bench) -> None:
    answer = await created(bench, headers={"Origin": PAGE})
    bench.expect(allows(answer, PAGE), f"Access-Control-Allow-Origin for {PAGE}", answer.headers)


@observed("WEBRTC-CORS-03", says="Location is exposed to pages of other origins.")
async def page_may_read_the_location(bench: Bench) -> None:
    answer = await created(bench, headers={"Origin": PAGE})
    exposed = names_in(answer, "Access-Control-Expose-Headers")
    bench.expect("location" in exposed, "location among the exposed headers", sorted(exposed))


@choice(
    "WEBRTC-CORS-04",
    says="A page of another origin may read why its offer was refused.",
    clause="nobody has shown the headers of a refusal",
)
async def page_may_read_the_refusal(bench: Bench) -> None:
    answer = await bench.post("no offer", form="raw", headers={"Origin": PAGE})
    bench.note(f"{answer.status}, Access-Control-Allow-Origin {answer.header('Access-Control-Allow-Origin')}")


def allows(answer: RestAnswer, origin: str) -> bool:
    return answer.header("Access-Control-Allow-Origin") in ("*", origin)


def names_in(answer: RestAnswer, header: str) -> set[str]:
    """Names of headers in all lines of a header, in lower case."""
    values = [value for name, value in answer.headers if name.lower() == header.lower()]
    return {name.strip().lower() for value in values for name in value.split(",") if name.strip()}
