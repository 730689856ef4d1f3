"""`POST …/reject`: what the caller gets, and when the application is answered."""

from ..bench import Bench, describe
from ..requirement import Level, requirement
from ..sources import SPEC

CLAUSE = "OpenAPI, POST /realtime/calls/{call_id}/reject"


@requirement(
    "CALL-REJECT-01",
    level=Level.MUST,
    says="A reject without a status sends 603 to the caller.",
    evidence="DOC",
    clause=CLAUSE,
    link=SPEC,
    needs={"sip", "webhooks", "rest"},
)
async def reject_sends_603_by_default(bench: Bench) -> None:
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).reject(call_id)
    bench.expect(answer.status == 200, "200 to reject", describe(answer))
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 603, "603 for the caller", f"{response.status} {response.reason}")
