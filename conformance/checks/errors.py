"""What errors look like, and what a call that is not there gets."""

from ..bench import Bench, describe
from ..client.rest import RestAnswer
from ..requirement import Level, requirement
from ..sources import SPEC
from .auth import NO_CALL, UNKNOWN_KEY

FIELDS = ("message", "type", "param", "code")


async def unknown_call(bench: Bench, verb: str) -> RestAnswer:
    body = {"accept": {"type": "realtime"}, "refer": {"target_uri": "tel:+14155550123"}}.get(verb)
    return await (await bench.rest()).call(NO_CALL, verb, **({} if body is None else {"json_body": body}))


@requirement(
    "ERROR-ENVELOPE-01",
    level=Level.MUST,
    says="An error is an object with message, type, param and code.",
    evidence="DOC",
    clause="OpenAPI, schemas ErrorResponse and Error",
    link=SPEC,
    needs={"rest"},
)
async def error_has_its_four_fields(bench: Bench) -> None:
    answer = await unknown_call(bench, "hangup")
    bench.expect(all(field in answer.error for field in FIELDS), f"the fields {', '.join(FIELDS)}", describe(answer))


@requirement(
    "ERROR-ENVELOPE-02",
    level=Level.MUST,
    says="The message and the type of an error are strings.",
    evidence="DOC",
    clause="OpenAPI, schema Error",
    link=SPEC,
    needs={"rest"},
)
async def message_and_type_are_strings(bench: Bench) -> None:
    answer = await unknown_call(bench, "hangup")
    values = [answer.error.get("message"), answer.error.get("type")]
    bench.expect(all(isinstance(value, str) and value for value in values), "two strings", values)


@requirement(
    "ERROR-ENVELOPE-03",
    level=Level.MUST,
    says="The param and the code of an error are strings or null.",
    evidence="DOC",
    clause="OpenAPI, schema Error",
    link=SPEC,
    needs={"rest"},
)
async def param_and_code_are_strings_or_null(bench: Bench) -> None:
    for answer in (await unknown_call(bench, "hangup"), await (await bench.rest(UNKNOWN_KEY)).hangup(NO_CALL)):
        values = [answer.error.get("param"), answer.error.get("code")]
        bench.expect(all(value is None or isinstance(value, str) for value in values), "strings or null", values)


@requirement(
    "ERROR-ENVELOPE-04",
    level=Level.MUST,
    says="An error has the content type application/json.",
    evidence="DOC",
    clause="OpenAPI, error responses",
    link=SPEC,
    needs={"rest"},
)
async def error_is_json(bench: Bench) -> None:
    answer = await unknown_call(bench, "hangup")
    kind = (answer.header("content-type") or "").partition(";")[0].strip()
    bench.expect(kind == "application/json", "application/json", kind or "no content type")


def _declare_unknown(number: int, verb: str) -> None:
    @requirement(
        f"ERROR-NOTFOUND-{number:02d}",
        level=Level.OBSERVED,
        says=f"For an unknown call {verb} is answered with 404 and call_id_not_found.",
        evidence="OBS",
        clause="openai/codex issue 35094; third-party observations, 2026",
        needs={"rest"},
    )
    async def unknown_call_is_not_found(bench: Bench) -> None:
        answer = await unknown_call(bench, verb)
        bench.expect(answer.status == 404, "404", describe(answer))
        bench.expect(answer.error.get("code") == "call_id_not_found", "call_id_not_found", describe(answer))


for _number, _verb in enumerate(("accept", "reject", "refer", "hangup"), 1):
    _declare_unknown(_number, _verb)


@requirement(
    "ERROR-NOTFOUND-05",
    level=Level.OBSERVED,
    says="The message of call_id_not_found says that no session was found.",
    evidence="OBS",
    clause="openai/codex issue 35094",
    needs={"rest"},
)
async def not_found_says_no_session(bench: Bench) -> None:
    message = (await unknown_call(bench, "hangup")).error.get("message")
    bench.expect(
        message == "No session found for the provided call_id", "No session found for the provided call_id", message
    )


@requirement(
    "ERROR-JSON-01",
    level=Level.CHOICE,
    says="A body that is no JSON is answered with 400.",
    evidence="CHOICE",
    clause="nobody has shown the answer",
    needs={"rest", "sip", "webhooks"},
)
async def body_that_is_no_json(bench: Bench) -> None:
    _, call_id = await bench.ring()
    answer = await (await bench.rest()).call(call_id, "accept", body=b"{not json")
    bench.note(describe(answer))


@requirement(
    "ERROR-METHOD-01",
    level=Level.CHOICE,
    says="A GET of a verb is answered with an error.",
    evidence="CHOICE",
    clause="nobody has shown the answer",
    needs={"rest"},
)
async def get_of_a_verb(bench: Bench) -> None:
    bench.note(describe(await (await bench.rest()).request("GET", f"/realtime/calls/{NO_CALL}/hangup")))
