"""`POST /realtime/client_secrets`: what is made, how long it lives, and which sessions begin with it."""

from functools import partial
from typing import Any

from ringback.fixtures.validation import validator

from ..bench import Bench, describe
from ..client.errors import HandshakeRefused
from ..client.rest import RestAnswer
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from ..sources import SDK, SPEC
from .direct_ws import part

REST = {"rest", "client-secrets"}
SESSIONS = {*REST, "ws"}
CREATE = "OpenAPI, POST /realtime/client_secrets"
EXPIRES_AFTER = "OpenAPI, RealtimeCreateClientSecretRequest: expires_after"
RECORDED = "recording of the service, July 2026"
PATH = "/realtime/client_secrets"
BOUND: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime", "instructions": "Speak like a pirate."}
SLACK = 5
"""Seconds that a target's clock may differ from ours, and its answer take."""
KEY_PROTOCOL = "openai-insecure-api-key."

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=REST)
in_the_sdk = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=REST)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=REST)


async def create(
    bench: Bench, *, seconds: int | None = None, session: Any = BOUND, key: str | None = None
) -> RestAnswer:
    """A request for a secret; without `seconds` it does not say how long."""
    body: dict[str, Any] = {} if seconds is None else {"expires_after": {"anchor": "created_at", "seconds": seconds}}
    if session is not None:
        body["session"] = session
    return await (await bench.rest(key)).request("POST", PATH, json_body=body)


async def made(bench: Bench, **options: Any) -> dict[str, Any]:
    """The answer's object."""
    answer = await create(bench, **options)
    bench.expect(answer.status == 200, "200 to the creation of a client secret", describe(answer))
    body = answer.json()
    bench.expect(isinstance(body, dict), "an object", describe(answer))
    return dict(body)


async def secret_of(bench: Bench, **options: Any) -> str:
    body = await made(bench, **options)
    value = body.get("value")
    bench.expect(isinstance(value, str) and value, "a value", body)
    return str(value)


async def begun(bench: Bench, key: str, **options: Any) -> tuple[Sideband, Any]:
    """A session that the secret opens, and its object."""
    try:
        session = await bench.session(**{"api_key": key, **options})
    except HandshakeRefused as refused:
        bench.fail("the client secret to open a session", refused)
    created = await bench.event(session, "session.created")
    return session, created.get("session")


def expires_in(body: dict[str, Any], answered_at: float) -> float | None:
    """How many seconds after its answer a secret expires, None where it does not say."""
    expires_at = body.get("expires_at")
    return None if isinstance(expires_at, bool) or not isinstance(expires_at, int | float) else expires_at - answered_at


async def lives_for(bench: Bench, asked: int | None, expected: int) -> None:
    answer = await create(bench, seconds=asked)
    bench.expect(answer.status == 200, "200", describe(answer))
    body = answer.json()
    seen = expires_in(body, answer.received_at) if isinstance(body, dict) else None
    bench.expect(
        seen is not None and abs(seen - expected) <= SLACK, f"expires_at {expected} s after the creation", f"{seen} s"
    )


@documented("SECRET-CREATE-01", says="A request for a client secret is answered with 200 and a value.", clause=CREATE)
async def secret_is_made(bench: Bench) -> None:
    await secret_of(bench)


@documented(
    "SECRET-CREATE-02",
    says="The answer shows the session as it was asked for.",
    clause="OpenAPI, RealtimeCreateClientSecretResponse: the session configuration",
)
async def answer_shows_the_session(bench: Bench) -> None:
    body = await made(bench)
    session = body.get("session")
    seen = {name: session.get(name) for name in BOUND} if isinstance(session, dict) else session
    bench.expect(seen == BOUND, str(BOUND), seen)


@in_the_sdk(
    "SECRET-CREATE-03",
    says="The answer has the shape of the official types.",
    clause="openai/types/realtime/client_secret_create_response.py",
)
async def answer_has_the_official_shape(bench: Bench) -> None:
    problems = validator("rest").problems_of("client_secrets.create.response", await made(bench))
    bench.expect(not problems, "the official shape", "; ".join(problems))


@documented(
    "SECRET-CREATE-04",
    says="A secret can be made for a transcription session.",
    clause="OpenAPI, RealtimeCreateClientSecretRequest: session is realtime or transcription",
)
async def secret_for_transcription_is_made(bench: Bench) -> None:
    body = await made(bench, session={"type": "transcription"})
    session = body.get("session")
    seen = session.get("type") if isinstance(session, dict) else session
    bench.expect(seen == "transcription", "a session of type transcription", seen)


@observed("SECRET-CREATE-05", says="The session of a secret that nobody used has 0 as expires_at.")
async def unused_session_expires_at_0(bench: Bench) -> None:
    session = (await made(bench)).get("session")
    seen = session.get("expires_at") if isinstance(session, dict) else session
    bench.expect(seen == 0, "session.expires_at 0", seen)


@documented(
    "SECRET-EXPIRY-01",
    says="A secret expires as many seconds after its creation as were asked for.",
    clause=EXPIRES_AFTER,
)
async def secret_expires_when_asked(bench: Bench) -> None:
    await lives_for(bench, 120, 120)


@documented(
    "SECRET-EXPIRY-02",
    says="A secret lives for 600 seconds where nothing was said.",
    clause=f"{EXPIRES_AFTER}.seconds, default",
)
async def secret_lives_ten_minutes(bench: Bench) -> None:
    await lives_for(bench, None, 600)


@documented(
    "SECRET-EXPIRY-03",
    says="Seconds outside 10 to 7200 are refused with 400.",
    clause=f"{EXPIRES_AFTER}.seconds, between 10 and 7200",
)
async def odd_lives_are_refused(bench: Bench) -> None:
    for seconds in (9, 7201):
        answer = await create(bench, seconds=seconds)
        bench.expect(answer.status == 400, f"400 for {seconds} seconds", describe(answer))


@documented(
    "SECRET-EXPIRY-04",
    says="An expired secret opens no session.",
    clause=f"{EXPIRES_AFTER}: after which it will no longer be valid for creating sessions",
    needs={*SESSIONS, "clock"},
)
async def expired_secret_opens_nothing(bench: Bench) -> None:
    key = await secret_of(bench, seconds=10)
    await bench.clock.advance(11)
    try:
        session = await bench.session(api_key=key)
    except HandshakeRefused:
        return
    await bench.event(session, "error")
    bench.expect("session.created" not in session.types, "no session", session.types)


@documented(
    "SECRET-EXPIRY-05",
    says="A session goes on after the secret that opened it has expired.",
    clause=f"{EXPIRES_AFTER}: the session itself may continue after that time",
    needs={*SESSIONS, "clock"},
)
async def session_outlives_its_secret(bench: Bench) -> None:
    session, _ = await begun(bench, await secret_of(bench, seconds=10))
    await bench.clock.advance(11)
    await session.send({"type": "session.update", "session": {"type": "realtime", "instructions": "Still there?"}})
    await bench.event(session, "session.updated")


@documented(
    "SECRET-SESSION-01",
    says="A client secret opens a session in place of an API key.",
    clause=CREATE,
    needs=SESSIONS,
)
async def secret_opens_a_session(bench: Bench) -> None:
    await begun(bench, await secret_of(bench))


@documented(
    "SECRET-SESSION-02",
    says="A client secret opens several sessions.",
    clause=f"{EXPIRES_AFTER}: can be used to create multiple sessions until it expires",
    needs=SESSIONS,
    calls=2,
)
async def secret_opens_two_sessions(bench: Bench) -> None:
    key = await secret_of(bench)
    await begun(bench, key)
    await begun(bench, key)


@documented(
    "SECRET-SESSION-03",
    says="A session begins as the secret that opens it was made.",
    clause="OpenAPI, RealtimeCreateClientSecretRequest: session, bound to the secret",
    needs=SESSIONS,
)
async def session_begins_as_bound(bench: Bench) -> None:
    _, session = await begun(bench, await secret_of(bench))
    seen = session.get("instructions") if isinstance(session, dict) else session
    bench.expect(seen == BOUND["instructions"], BOUND["instructions"], seen)


@documented(
    "SECRET-SESSION-04",
    says="A session may override what was bound to its secret.",
    clause="OpenAPI, POST /realtime/client_secrets: can be overridden by the client connection",
    needs=SESSIONS,
)
async def session_overrides_what_was_bound(bench: Bench) -> None:
    session, _ = await begun(bench, await secret_of(bench))
    await session.send({"type": "session.update", "session": {"type": "realtime", "instructions": "Speak plainly."}})
    updated = await bench.event(session, "session.updated")
    seen = part(updated, "session", "instructions")
    bench.expect(seen == "Speak plainly.", "Speak plainly.", seen)


@in_the_sdk(
    "SECRET-SESSION-05",
    says="A browser may give its secret as a subprotocol, and `realtime` is selected.",
    clause="openai-agents-js, openaiRealtimeWebsocket.ts",
    link="https://github.com/openai/openai-agents-js",
    needs=SESSIONS,
)
async def secret_as_a_subprotocol(bench: Bench) -> None:
    protocols = ("realtime", KEY_PROTOCOL + await secret_of(bench))
    session, _ = await begun(bench, "", headers={"Authorization": ""}, subprotocols=protocols)
    bench.expect(session.subprotocol == "realtime", "the subprotocol realtime", session.subprotocol)


@observed("SECRET-KEY-01", says="The value of a client secret begins with ek_.")
async def secret_begins_with_ek(bench: Bench) -> None:
    value = await secret_of(bench)
    bench.expect(value.startswith("ek_"), "ek_…", f"{value[:3]}…")


@requirement(
    "SECRET-KEY-02",
    level=Level.CHOICE,
    says="A client secret is no API key: what it gets where one is needed.",
    evidence="CHOICE",
    clause="no source says whether a client secret may make another one",
    needs=REST,
)
async def secret_where_a_key_is_needed(bench: Bench) -> None:
    answer = await create(bench, key=await secret_of(bench))
    bench.note(describe(answer) if answer.status != 200 else "200: another client secret")
