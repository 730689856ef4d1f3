"""What each verb gets before a decision and after the end of a call."""

from functools import partial
from typing import Any

from ..bench import SESSION, Bench, describe
from ..client.rest import RestAnswer
from ..requirement import Level, requirement

NEEDS = {"rest", "sip", "webhooks"}
BODIES: dict[str, Any] = {"accept": SESSION, "refer": {"target_uri": "tel:+14155550123"}}

observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


async def ask(bench: Bench, verb: str, call_id: str) -> RestAnswer:
    rest = await bench.rest()
    return await rest.call(call_id, verb, **({"json_body": BODIES[verb]} if verb in BODIES else {}))


def _declare_ended(number: int, verb: str) -> None:
    @observed(
        f"STATE-ENDED-{number:02d}",
        says=f"After the caller hung up {verb} is answered with 404.",
        clause="openai-agents examples; third-party observations, 2026",
    )
    async def ended_call_is_not_found(bench: Bench) -> None:
        call, call_id = await bench.connect()
        await call.hang_up(timeout=bench.within.bye)
        answer = await ask(bench, verb, call_id)
        bench.expect(answer.status == 404, "404", describe(answer))


for _number, _verb in enumerate(("accept", "reject", "refer", "hangup"), 1):
    _declare_ended(_number, _verb)


def _declare_undecided(number: int, verb: str) -> None:
    @choice(
        f"STATE-UNDECIDED-{number:02d}",
        says=f"Before a decision {verb} is refused.",
        clause="nobody has shown the answer",
    )
    async def undecided_call_has_no_session(bench: Bench) -> None:
        _, call_id = await bench.ring()
        bench.note(describe(await ask(bench, verb, call_id)))


for _number, _verb in enumerate(("refer", "hangup"), 1):
    _declare_undecided(_number, _verb)


@observed(
    "STATE-CANCELLED-01",
    says="An accept after the caller cancelled is answered with 404 or 200.",
    clause="community topic 1368239 (200, nobody there); openai-agents examples (404)",
)
async def accept_of_a_cancelled_call(bench: Bench) -> None:
    call, call_id = await bench.ring()
    await call.cancel(timeout=bench.within.bye)
    answer = await ask(bench, "accept", call_id)
    bench.expect(answer.status in (200, 404), "404, or 200 for a call with nobody in it", describe(answer))


@observed(
    "STATE-REJECTED-01",
    says="An accept after a reject is refused.",
    clause="Telephony and SIP guide, for Live calls on the same transceiver: the first decision wins",
)
async def accept_after_reject(bench: Bench) -> None:
    call, call_id = await bench.ring()
    await ask(bench, "reject", call_id)
    await call.final_response(timeout=bench.within.answer)
    answer = await ask(bench, "accept", call_id)
    bench.expect(400 <= answer.status < 500, "a refusal", describe(answer))


@choice(
    "STATE-TIMEOUT-01",
    says="A call that nobody decides ends with a refusal for the caller.",
    clause="no number is published; 400 was seen most [OBS]",
    needs=NEEDS | {"clock"},
)
async def nobody_decides(bench: Bench) -> None:
    call, _ = await bench.ring("udp" if "udp" in bench.access.sip else None)
    for seconds in range(1, 301):
        await bench.clock.advance(1.0)
        if call.final_status is not None:
            bench.note(f"{call.final_status} after {seconds} s")
    bench.note("still ringing after 300 s")
