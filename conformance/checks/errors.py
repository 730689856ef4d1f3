"""What errors look like, and what a call that is not there gets."""

from functools import partial

from ..bench import Bench, describe
from ..client.rest import RestAnswer
from ..requirement import Level, requirement
from ..sources import SPEC
from .auth import NO_CALL, UNKNOWN_KEY

FIELDS = ("message", "type", "param", "code")

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs={"rest"})
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs={"rest"})
choice = partial(
    requirement,
    level=Level.CHOICE,
    evidence="CHOICE",
    clause="nobody has shown the answer",
    needs={"rest", "sip", "webhooks"},
)


async def unknown_call(bench: Bench, verb: str) -> RestAnswer:
    body = {"accept": {"type": "realtime"}, "refer": {"target_uri": "tel:+14155550123"}}.get(verb)
    return await (await bench.rest()).call(NO_CALL, verb, **({} if body is None else {"json_body": body}))


@documented(
    "ERROR-ENVELOPE-01",
    says="An error is an object with message, type, param and code.",
    clause="OpenAPI, schemas ErrorResponse and Error",
)
async def error_has_its_four_fields(bench: Bench) -> None:
    answer = await unknown_call(bench, "hangup")
    bench.expect(all(field in answer.error for field in FIELDS), f"the fields {', '.join(FIELDS)}", describe(answer))


@documented(
    "ERROR-ENVELOPE-02",
    says="The message and the type of an error are strings.",
    clause="OpenAPI, schema Error",
)
async def message_and_type_are_strings(bench: Bench) -> None:
    answer = await unknown_call(bench, "hangup")
    values = [answer.error.get("message"), answer.error.get("type")]
    bench.expect(all(isinstance(value, str) and value for value in values), "two strings", values)


@documented(
    "ERROR-ENVELOPE-03",
    says="The param and the code of an error are strings or null.",
    clause="OpenAPI, schema Error",
)
async def param_and_code_are_strings_or_null(bench: Bench) -> None:
    for answer in (await unknown_call(bench, "hangup"), await (await bench.rest(UNKNOWN_KEY)).hangup(NO_CALL)):
        values = [answer.error.get("param"), answer.error.get("code")]
        bench.expect(all(value is None or isinstance(value, str) for value in values), "strings or null", values)


@documented(
    "ERROR-ENVELOPE-04",
    says="An error has the content type application/json.",
    clause="OpenAPI, error responses",
)
async def error_is_json(bench: Bench) -> None:
    answer = await unknown_call(bench, "hangup")
    kind = (answer.header("content-type") or "").partition(";")[0].strip()
    bench.expect(kind == "application/json", "application/json", kind or "no content type")


def _declare_unknown(number: int, verb: str) -> None:
    @observed(
        f"ERROR-NOTFOUND-{number:02d}",
        says=f"For an unknown call {verb} is answered with 404 and call_id_not_found.",
        clause="openai/codex issue 35094; third-party observations, 2026",
    )
    async def unknown_call_is_not_found(bench: Bench) -> None:
        answer = await unknown_call(bench, verb)
        bench.expect(answer.status == 404, "404", describe(answer))
        bench.expect(answer.error.get("code") == "call_id_not_found", "call_id_not_found", describe(answer))


for _number, _verb in enumerate(("accept", "reject", "refer", "hangup"), 1):
    _declare_unknown(_number, _verb)


@observed(
    "ERROR-NOTFOUND-05",
    says="The message of call_id_not_found says that no session was found.",
    clause="openai/codex issue 35094",
)
async def not_found_says_no_session(bench: Bench) -> None:
    message = (await unknown_call(bench, "hangup")).error.get("message")
    bench.expect(
        message == "No session found for the provided call_id", "No session found for the provided call_id", message
    )


@choice("ERROR-JSON-01", says="A body that is no JSON is answered with 400.")
async def body_that_is_no_json(bench: Bench) -> None:
    _, call_id = await bench.ring()
    answer = await (await bench.rest()).call(call_id, "accept", body=b"{not json")
    bench.note(describe(answer))


@choice("ERROR-METHOD-01", says="A GET of a verb is answered with an error.", needs={"rest"})
async def get_of_a_verb(bench: Bench) -> None:
    bench.note(describe(await (await bench.rest()).request("GET", f"/realtime/calls/{NO_CALL}/hangup")))
