"""Offers that are refused: with what status, and in the envelope of every error."""

from functools import partial
from typing import Any

from ..bench import SESSION, Bench, describe
from ..client.rest import RestAnswer
from ..requirement import Level, requirement
from ..sources import SDK, SPEC
from .auth import UNKNOWN_KEY
from .client_secrets import secret_of

NEEDS = {"rest", "webrtc"}
CREATE = "OpenAPI, POST /realtime/calls"
CLIENT_ERROR = "RFC 9110 15.5: 4xx, the client seems to have erred"
UNSEEN = "nobody has shown the answer; of Live calls 400 invalid_offer was seen"
GIANT = 1 << 20

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=CREATE, link=SPEC, needs=NEEDS)
by_sdk = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=NEEDS)
by_rfc = partial(requirement, level=Level.SHOULD, evidence="RFC", clause=CLIENT_ERROR, needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", clause=UNSEEN, needs=NEEDS)


async def refused(bench: Bench, offer: Any, session: Any = SESSION, **options: Any) -> RestAnswer:
    """A refusal of the 4xx class."""
    answer = await bench.post(offer, session, **options)
    bench.expect(400 <= answer.status < 500, "a status of 4xx", describe(answer))
    return answer


async def noted(bench: Bench, offer: Any, session: Any = SESSION, **options: Any) -> None:
    """End the check with status, code and message."""
    answer = await bench.post(offer, session, **options)
    error = answer.error if answer.status >= 400 else {}
    bench.note(f"{answer.status} {error.get('code')}: {error.get('message')}" if error else describe(answer)[:60])


@documented(
    "WEBRTC-REFUSAL-01",
    says="A form without an SDP is refused with a status of 4xx.",
    clause="OpenAPI, RealtimeCallCreateRequest: sdp is required",
)
async def form_without_sdp(bench: Bench) -> None:
    await refused(bench, None, form="typed")


@documented(
    "WEBRTC-REFUSAL-02",
    says="A refused offer gets the envelope of every error: message, type, param and code.",
    clause="OpenAPI, ErrorResponse",
)
async def refusal_has_the_envelope(bench: Bench) -> None:
    error = (await refused(bench, "this is no SDP")).error
    missing = {"message", "type", "param", "code"} - set(error)
    bench.expect(not missing and error.get("message"), "message, type, param and code", dict(error))


@by_rfc("WEBRTC-REFUSAL-03", says="What is no SDP is refused with a status of 4xx.")
async def no_sdp(bench: Bench) -> None:
    await refused(bench, "this is no SDP", form="raw", session=None)


@by_rfc("WEBRTC-REFUSAL-04", says="A session that is no JSON is refused with a status of 4xx.")
async def session_is_no_json(bench: Bench) -> None:
    _, offer = await bench.offer()
    await refused(bench, offer, "{type: realtime", form="typed")


@requirement(
    "WEBRTC-REFUSAL-05",
    level=Level.OBSERVED,
    says="A session with an unknown key is refused with 400, unknown_parameter, and its path.",
    evidence="OBS",
    clause="seen of accept and session.update, 2025 and 2026",
    needs=NEEDS,
)
async def session_with_an_unknown_key(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await refused(bench, offer, {**SESSION, "nonsense": 1})
    found = (answer.status, answer.error.get("code"), answer.error.get("param"))
    bench.expect(found == (400, "unknown_parameter", "session.nonsense"), "unknown_parameter", describe(answer))


@by_sdk(
    "WEBRTC-REFUSAL-06",
    says="An offer with an unknown key is answered with 401.",
    clause="openai/_client.py, status 401 is AuthenticationError",
)
async def unknown_key(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await bench.post(offer, SESSION, api_key=UNKNOWN_KEY)
    bench.expect(answer.status == 401, "401", describe(answer))


@by_sdk(
    "WEBRTC-REFUSAL-07",
    says="An offer without a key is answered with 401.",
    clause="openai/_client.py, status 401 is AuthenticationError",
)
async def no_key(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await bench.post(offer, SESSION, has_key=False)
    bench.expect(answer.status == 401, "401", describe(answer))


@choice("WEBRTC-REFUSAL-08", says="An offer that was cut off before its last line break is refused.")
async def cut_off(bench: Bench) -> None:
    _, offer = await bench.offer()
    await noted(bench, offer.removesuffix("\r\n"))


@choice("WEBRTC-REFUSAL-09", says="An offer without audio is refused.")
async def no_audio(bench: Bench) -> None:
    _, offer = await bench.offer()
    head, _, rest = offer.partition("m=audio")
    await noted(bench, head.replace("BUNDLE 0 1", "BUNDLE 1") + "m=application" + rest.partition("m=application")[2])


@choice("WEBRTC-REFUSAL-10", says="An offer as JSON is refused.")
async def wrong_content_type(bench: Bench) -> None:
    _, offer = await bench.offer()
    await noted(bench, offer, None, form="raw", headers={"Content-Type": "application/json"})


@choice("WEBRTC-REFUSAL-11", says="An offer as text/plain is refused, which is what fetch makes of text.")
async def plain_text(bench: Bench) -> None:
    _, offer = await bench.offer()
    await noted(bench, offer, None, form="raw", headers={"Content-Type": "text/plain"})


@choice("WEBRTC-REFUSAL-12", says="An offer of 1 MiB is refused.")
async def giant_offer(bench: Bench) -> None:
    _, offer = await bench.offer()
    await noted(bench, offer + "a=x-padding:" + "x" * GIANT + "\r\n")


@documented(
    "WEBRTC-REFUSAL-14",
    level=Level.SHOULD,
    says="A form with a field that is not documented is refused with a status of 4xx.",
    clause="OpenAPI, RealtimeCallCreateRequest: additionalProperties is false",
)
async def unknown_field(bench: Bench) -> None:
    _, offer = await bench.offer()
    await refused(bench, offer, extra={"nonsense": "1"})


@choice(
    "WEBRTC-REFUSAL-13",
    says="An offer with a client secret that has expired is refused.",
    clause="nobody has shown the answer",
    needs=NEEDS | {"client-secrets", "clock"},
)
async def expired_secret(bench: Bench) -> None:
    key = await secret_of(bench, seconds=10)
    await bench.clock.advance(11)
    _, offer = await bench.offer()
    await noted(bench, offer, None, form="raw", api_key=key)
