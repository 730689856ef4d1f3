"""CANCEL: what it is answered, and what becomes of the INVITE."""

from functools import partial

from ..bench import Bench
from ..client.call import Call
from ..client.messages import Response, cancel_of, copy_of, tag_of
from ..requirement import Level, requirement

NEEDS = {"rest", "sip", "webhooks"}

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


async def cancelled(bench: Bench, call: Call, **replace: str) -> Response:
    """The answer to the CANCEL of a call, whatever the call's state."""
    phone = await bench.phone(call.link.transport)
    cancel = copy_of(cancel_of(call.invite), replace=replace)
    return await phone.transact(cancel, call.link, timeout=bench.within.answer)


def line(response: Response) -> str:
    return f"{response.code} {response.phrase}"


@by_rfc(
    "SIP-CANCEL-01",
    says="A CANCEL of a waiting INVITE is answered with 200.",
    clause="RFC 3261 9.2: a CANCEL that matches is answered with 200",
)
async def cancel_is_answered_with_200(bench: Bench) -> None:
    call, _ = await bench.ring()
    response = await cancelled(bench, call)
    bench.expect(response.code == 200, "200 to CANCEL", line(response))


@recommended(
    "SIP-CANCEL-02",
    says="A cancelled INVITE is answered with 487.",
    clause="RFC 3261 9.2: the INVITE is answered with 487",
)
async def cancelled_invite_gets_487(bench: Bench) -> None:
    call, _ = await bench.ring()
    await cancelled(bench, call)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 487, "487 to INVITE", f"{response.status} {response.reason}")


@by_rfc(
    "SIP-CANCEL-03",
    says="A cancelled INVITE gets a final response.",
    clause="RFC 3261 17.2.1: every INVITE gets a final response",
)
async def cancelled_invite_gets_a_final_response(bench: Bench) -> None:
    call, _ = await bench.ring()
    await cancelled(bench, call)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status >= 300, "a refusal", response.status)


@recommended(
    "SIP-CANCEL-04",
    says="A CANCEL that fits no INVITE is answered with 481.",
    clause="RFC 3261 9.2: no matching transaction",
    needs={"sip"},
    calls=0,
)
async def cancel_without_invite_gets_481(bench: Bench) -> None:
    phone = await bench.phone()
    response = await phone.request("CANCEL", bench.access.sip[bench.transport], timeout=bench.within.answer)
    bench.expect(response.code == 481, "481", line(response))


@by_rfc(
    "SIP-CANCEL-05",
    says="A CANCEL after the answer does not end the call.",
    clause="RFC 3261 9.2: a CANCEL after the final response has no effect",
)
async def cancel_after_the_answer_has_no_effect(bench: Bench) -> None:
    call, _ = await bench.connect()
    await cancelled(bench, call)
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200, "the call to go on: 200 to OPTIONS in it", line(response))
    bench.expect(not call.is_over, "the call to go on", f"its end by the {call.ended_by}")


@by_rfc(
    "SIP-CANCEL-06",
    says="A CANCEL after the answer is answered with 200.",
    clause="RFC 3261 9.2: a CANCEL that matches is answered with 200 whatever became of the INVITE",
)
async def cancel_after_the_answer_gets_200(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await cancelled(bench, call)
    bench.expect(response.code == 200, "200 to CANCEL", line(response))


@recommended(
    "SIP-CANCEL-07",
    says="The responses to a CANCEL and to its INVITE carry the same To tag.",
    clause="RFC 3261 9.2: the To tag of both responses should be the same",
)
async def cancel_and_invite_share_the_tag(bench: Bench) -> None:
    call, _ = await bench.ring()
    response = await cancelled(bench, call)
    final = await call.final_response(timeout=bench.within.answer)
    tags = tag_of(response.headers["To"]), tag_of(final.message.headers["To"])
    bench.expect(tags[0] == tags[1], "the same To tag", tags)


@by_rfc(
    "SIP-CANCEL-08",
    says="A CANCEL with a Require header cancels like any other.",
    clause="RFC 3261 8.2.2.3: Require in a CANCEL is ignored",
)
async def require_of_a_cancel_is_ignored(bench: Bench) -> None:
    call, _ = await bench.ring()
    response = await cancelled(bench, call, Require="nonsense")
    bench.expect(response.code == 200, "200 to CANCEL", line(response))


@by_rfc(
    "SIP-CANCEL-09",
    says="A CANCEL with another branch cancels nothing.",
    clause="RFC 3261 9.1: CSeq has the number of the INVITE, Via its branch",
)
async def cancel_needs_the_branch(bench: Bench) -> None:
    call, call_id = await bench.ring()
    phone = await bench.phone()
    await cancelled(bench, call, Via=phone.via(call.link))
    answer = await (await bench.rest()).reject(call_id, 486)
    bench.expect(answer.status == 200, "the call to wait still", answer.status)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 486, "the application's 486", response.status)


@requirement(
    "SIP-CANCEL-10",
    level=Level.CHOICE,
    says="An accept of a cancelled call is refused.",
    evidence="CHOICE",
    clause="the webhook is not taken back; nobody has shown what an accept gets then",
    needs=NEEDS,
)
async def accept_of_a_cancelled_call(bench: Bench) -> None:
    call, call_id = await bench.ring()
    await cancelled(bench, call)
    await call.final_response(timeout=bench.within.answer)
    answer = await (await bench.rest()).accept(call_id, {"type": "realtime"})
    bench.note(f"{answer.status} {answer.error.get('code')}")
