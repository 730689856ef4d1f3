"""`POST …/reject`: what the caller gets, and when the application is answered."""

from functools import partial
from typing import Any

from ..bench import Bench, describe
from ..client.errors import HandshakeRefused
from ..requirement import Level, requirement
from ..sources import SDK, SPEC

CLAUSE = "OpenAPI, POST /realtime/calls/{call_id}/reject"
NEEDS = {"rest", "sip", "webhooks"}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="DOC", link=SPEC, needs=NEEDS)


async def rejected(bench: Bench, status: int | None = None) -> tuple[Any, Any]:
    """The REST answer, and the final response that the caller received."""
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).reject(call_id, status)
    bench.expect(answer.status == 200, "200 to reject", describe(answer))
    return answer, await call.final_response(timeout=bench.within.answer)


@documented("CALL-REJECT-01", says="A reject without a status sends 603 to the caller.", clause=CLAUSE)
async def reject_sends_603_by_default(bench: Bench) -> None:
    _, response = await rejected(bench)
    bench.expect(response.status == 603, "603 for the caller", f"{response.status} {response.reason}")


@documented("CALL-REJECT-02", says="A reject with 486 sends 486 to the caller.", clause=CLAUSE)
async def reject_sends_486(bench: Bench) -> None:
    _, response = await rejected(bench, 486)
    bench.expect(response.status == 486, "486 for the caller", response.status)


@documented("CALL-REJECT-03", says="A reject sends whatever other final status it is given.", clause=CLAUSE, calls=3)
async def reject_sends_any_status(bench: Bench) -> None:
    for status in (404, 480, 503):
        _, response = await rejected(bench, status)
        bench.expect(response.status == status, f"{status} for the caller", response.status)


@documented(
    "CALL-REJECT-04",
    says="A reject is answered after the final response was sent to the caller.",
    clause=f"{CLAUSE}: 200 after the SIP status code was sent",
)
async def reject_is_answered_after_the_response(bench: Bench) -> None:
    answer, response = await rejected(bench)
    late = response.at - answer.received_at
    bench.expect(late < bench.within.silence, "the response by the time of the 200", f"{late:.3f} s later")


@requirement(
    "CALL-REJECT-05",
    level=Level.SHOULD,
    says="The answer to a reject has an empty body.",
    evidence="SDK",
    clause="resources/realtime/calls.py: reject returns None",
    link=SDK,
    needs=NEEDS,
)
async def reject_has_no_body(bench: Bench) -> None:
    answer, _ = await rejected(bench)
    bench.expect(answer.body == b"", "an empty body", answer.body[:100])


@recommended(
    "CALL-REJECT-06",
    says="A reject with an unknown field is answered with 400.",
    clause="OpenAPI, schema RealtimeCallRejectRequest: additionalProperties is false",
)
async def unknown_field_is_refused(bench: Bench) -> None:
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).call(call_id, "reject", json_body={"colour": "red"})
    bench.expect(answer.status == 400, "400", describe(answer))
    bench.expect(call.final_status is None, "the call to be undecided still", call.final_status)


@recommended(
    "CALL-REJECT-07",
    says="A reject whose status is a string is answered with 400.",
    clause="OpenAPI, schema RealtimeCallRejectRequest: status_code is an integer",
)
async def status_must_be_a_number(bench: Bench) -> None:
    _, call_id = await bench.ring()
    answer = await (await bench.rest()).call(call_id, "reject", json_body={"status_code": "busy"})
    bench.expect(answer.status == 400, "400", describe(answer))


@requirement(
    "CALL-REJECT-08",
    level=Level.CHOICE,
    says="A reject with a status below 300 is answered with 400.",
    evidence="CHOICE",
    clause="the Live API documents 300 to 699",
    needs=NEEDS,
)
async def status_below_300(bench: Bench) -> None:
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).reject(call_id, 200)
    bench.note(f"{answer.status}, the caller got {call.final_status}")


@requirement(
    "CALL-REJECT-09",
    level=Level.OBSERVED,
    says="A rejected call has no session to attach a sideband to.",
    evidence="OBS",
    clause="openai/codex issue 35094",
    needs=NEEDS | {"sideband"},
)
async def rejected_call_has_no_session(bench: Bench) -> None:
    call, call_id = await bench.ring()
    await (await bench.rest()).reject(call_id)
    await call.final_response(timeout=bench.within.answer)
    try:
        await bench.attach(call_id)
    except HandshakeRefused as refused:
        bench.expect(refused.status == 404, "404 at the handshake", refused.status)
        return
    bench.fail("404 at the handshake", "a sideband")
