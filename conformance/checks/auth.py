"""Who may ask: keys, projects, and the safety identifier."""

from functools import partial

from ..bench import SESSION, Bench, describe
from ..requirement import Level, requirement
from ..sources import SDK, SIP_GUIDE

UNKNOWN_KEY = "sk-conformance-nobody-has-this-key"
NO_CALL = "rtc_u0_00000000000000000000000000000000"

in_the_sdk = partial(
    requirement,
    level=Level.MUST,
    evidence="SDK",
    clause="openai/_client.py, status 401 is AuthenticationError",
    link=SDK,
    needs={"rest"},
)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs={"rest"})


@in_the_sdk("AUTH-KEY-01", says="A request with an unknown API key is answered with 401.")
async def unknown_key_gets_401(bench: Bench) -> None:
    answer = await (await bench.rest(UNKNOWN_KEY)).hangup(NO_CALL)
    bench.expect(answer.status == 401, "401", describe(answer))


@in_the_sdk("AUTH-KEY-02", says="A request without an API key is answered with 401.")
async def missing_key_gets_401(bench: Bench) -> None:
    answer = await (await bench.rest("")).hangup(NO_CALL)
    bench.expect(answer.status == 401, "401", describe(answer))


@observed(
    "AUTH-KEY-03",
    says="The error of an unknown key has the code invalid_api_key.",
    clause="third-party observation, 2026",
)
async def unknown_key_has_its_code(bench: Bench) -> None:
    answer = await (await bench.rest(UNKNOWN_KEY)).hangup(NO_CALL)
    bench.expect(answer.error.get("code") == "invalid_api_key", "invalid_api_key", describe(answer))


@observed(
    "AUTH-KEY-04",
    says="The error of an unknown key does not repeat the whole key.",
    clause="third-party observation, 2026",
)
async def error_hides_the_key(bench: Bench) -> None:
    answer = await (await bench.rest(UNKNOWN_KEY)).hangup(NO_CALL)
    bench.expect(UNKNOWN_KEY.encode() not in answer.body, "a shortened key", describe(answer))


@observed(
    "AUTH-PROJECT-01",
    says="A call does not exist for the key of another project.",
    clause="openai/codex issue 35094",
    needs={"rest", "sip", "webhooks", "isolation"},
)
async def other_project_does_not_see_the_call(bench: Bench) -> None:
    call, call_id = await bench.ring()
    stranger = await bench.rest(bench.access.other_api_key or UNKNOWN_KEY)
    answer = await stranger.reject(call_id)
    bench.expect(answer.status == 404, "404", describe(answer))
    bench.expect(call.final_status is None, "the call to be undecided still", call.final_status)


@observed(
    "AUTH-PROJECT-02",
    says="A key with the OpenAI-Project header of another project is answered with 401.",
    clause="third-party observation, 2026",
)
async def other_project_header_gets_401(bench: Bench) -> None:
    rest = await bench.rest(headers={"OpenAI-Project": "proj_conformance000000000000"})
    answer = await rest.hangup(NO_CALL)
    bench.expect(answer.status == 401, "401", describe(answer))


@requirement(
    "AUTH-SAFETY-01",
    level=Level.MUST,
    says="A request with an OpenAI-Safety-Identifier header is served like any other.",
    evidence="DOC",
    clause="Telephony and SIP guide, safety identifiers",
    link=SIP_GUIDE,
    needs={"rest", "sip", "webhooks"},
)
async def safety_identifier_is_accepted(bench: Bench) -> None:
    call, call_id = await bench.ring()
    rest = await bench.rest(headers={"OpenAI-Safety-Identifier": "user-1234"})
    answer = await rest.accept(call_id, SESSION)
    bench.expect(answer.status == 200, "200", describe(answer))
    await call.answered(timeout=bench.within.answer)
