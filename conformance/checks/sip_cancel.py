"""CANCEL: what it is answered, and what becomes of the INVITE."""

from ..bench import Bench
from ..client.call import Call
from ..client.messages import Response, cancel_of, copy_of, tag_of
from ..requirement import Level, requirement
from ..sources import rfc

NEEDS = {"rest", "sip", "webhooks"}
LINK = rfc(3261, "9.2")


async def cancelled(bench: Bench, call: Call, **replace: str) -> Response:
    """The answer to the CANCEL of a call, whatever the call's state."""
    phone = await bench.phone(call.link.transport)
    cancel = copy_of(cancel_of(call.invite), replace=replace)
    return await phone.transact(cancel, call.link, timeout=bench.within.answer)


def line(response: Response) -> str:
    return f"{response.code} {response.phrase}"


@requirement(
    "SIP-CANCEL-01",
    level=Level.MUST,
    says="A CANCEL of a waiting INVITE is answered with 200.",
    evidence="RFC",
    clause="RFC 3261 9.2: a CANCEL that matches is answered with 200",
    link=LINK,
    needs=NEEDS,
)
async def cancel_is_answered_with_200(bench: Bench) -> None:
    call, _ = await bench.ring()
    response = await cancelled(bench, call)
    bench.expect(response.code == 200, "200 to CANCEL", line(response))


@requirement(
    "SIP-CANCEL-02",
    level=Level.SHOULD,
    says="A cancelled INVITE is answered with 487.",
    evidence="RFC",
    clause="RFC 3261 9.2: the INVITE is answered with 487",
    link=LINK,
    needs=NEEDS,
)
async def cancelled_invite_gets_487(bench: Bench) -> None:
    call, _ = await bench.ring()
    await cancelled(bench, call)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 487, "487 to INVITE", f"{response.status} {response.reason}")


@requirement(
    "SIP-CANCEL-03",
    level=Level.MUST,
    says="A cancelled INVITE gets a final response.",
    evidence="RFC",
    clause="RFC 3261 17.2.1: every INVITE gets a final response",
    link=rfc(3261, "17.2.1"),
    needs=NEEDS,
)
async def cancelled_invite_gets_a_final_response(bench: Bench) -> None:
    call, _ = await bench.ring()
    await cancelled(bench, call)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status >= 300, "a refusal", response.status)


@requirement(
    "SIP-CANCEL-04",
    level=Level.SHOULD,
    says="A CANCEL that fits no INVITE is answered with 481.",
    evidence="RFC",
    clause="RFC 3261 9.2: no matching transaction",
    link=LINK,
    needs={"sip"},
    calls=0,
)
async def cancel_without_invite_gets_481(bench: Bench) -> None:
    phone = await bench.phone()
    response = await phone.request("CANCEL", bench.access.sip[bench.transport], timeout=bench.within.answer)
    bench.expect(response.code == 481, "481", line(response))


@requirement(
    "SIP-CANCEL-05",
    level=Level.MUST,
    says="A CANCEL after the answer does not end the call.",
    evidence="RFC",
    clause="RFC 3261 9.2: a CANCEL after the final response has no effect",
    link=LINK,
    needs=NEEDS,
)
async def cancel_after_the_answer_has_no_effect(bench: Bench) -> None:
    call, _ = await bench.connect()
    await cancelled(bench, call)
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200, "the call to go on: 200 to OPTIONS in it", line(response))
    bench.expect(not call.is_over, "the call to go on", f"its end by the {call.ended_by}")


@requirement(
    "SIP-CANCEL-06",
    level=Level.MUST,
    says="A CANCEL after the answer is answered with 200.",
    evidence="RFC",
    clause="RFC 3261 9.2: a CANCEL that matches is answered with 200 whatever became of the INVITE",
    link=LINK,
    needs=NEEDS,
)
async def cancel_after_the_answer_gets_200(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await cancelled(bench, call)
    bench.expect(response.code == 200, "200 to CANCEL", line(response))


@requirement(
    "SIP-CANCEL-07",
    level=Level.SHOULD,
    says="The responses to a CANCEL and to its INVITE carry the same To tag.",
    evidence="RFC",
    clause="RFC 3261 9.2: the To tag of both responses should be the same",
    link=LINK,
    needs=NEEDS,
)
async def cancel_and_invite_share_the_tag(bench: Bench) -> None:
    call, _ = await bench.ring()
    response = await cancelled(bench, call)
    final = await call.final_response(timeout=bench.within.answer)
    tags = tag_of(response.headers["To"]), tag_of(final.message.headers["To"])
    bench.expect(tags[0] == tags[1], "the same To tag", tags)


@requirement(
    "SIP-CANCEL-08",
    level=Level.MUST,
    says="A CANCEL with a Require header cancels like any other.",
    evidence="RFC",
    clause="RFC 3261 8.2.2.3: Require in a CANCEL is ignored",
    link=rfc(3261, "8.2.2.3"),
    needs=NEEDS,
)
async def require_of_a_cancel_is_ignored(bench: Bench) -> None:
    call, _ = await bench.ring()
    response = await cancelled(bench, call, Require="nonsense")
    bench.expect(response.code == 200, "200 to CANCEL", line(response))


@requirement(
    "SIP-CANCEL-09",
    level=Level.MUST,
    says="A CANCEL with another branch cancels nothing.",
    evidence="RFC",
    clause="RFC 3261 9.1: CSeq has the number of the INVITE, Via its branch",
    link=rfc(3261, "9.1"),
    needs=NEEDS,
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
