"""`POST …/accept`: what it takes, when it is answered, and what the caller hears of it."""

from functools import partial
from typing import Any

from ..bench import SESSION, Bench, describe
from ..client.rest import RestAnswer
from ..requirement import Level, requirement
from ..sources import SDK, SIP_GUIDE, SPEC

CLAUSE = "OpenAPI, POST /realtime/calls/{call_id}/accept"
NEEDS = {"rest", "sip", "webhooks"}

EVERYTHING: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "You are a support agent.",
    "output_modalities": ["audio"],
    "max_output_tokens": 1024,
    "tool_choice": "auto",
    "tools": [
        {
            "type": "function",
            "name": "transfer",
            "description": "Transfers the caller.",
            "parameters": {"type": "object", "properties": {"target": {"type": "string"}}},
        }
    ],
    "truncation": "auto",
    "include": ["item.input_audio_transcription.logprobs"],
    "audio": {
        "input": {
            "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"voice": "marin", "speed": 1.0},
    },
}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs=NEEDS)


async def accepted(bench: Bench, call_id: str, session: Any = None) -> RestAnswer:
    answer = await (await bench.rest()).accept(call_id, SESSION if session is None else session)
    bench.expect(answer.status == 200, "200 to accept", describe(answer))
    return answer


@documented("CALL-ACCEPT-01", says="An accept of a waiting call is answered with 200.", clause=CLAUSE)
async def accept_is_answered_with_200(bench: Bench) -> None:
    _, call_id = await bench.ring()
    await accepted(bench, call_id)


@requirement(
    "CALL-ACCEPT-02",
    level=Level.SHOULD,
    says="The answer to an accept has an empty body.",
    evidence="SDK",
    clause="resources/realtime/calls.py: accept returns None",
    link=SDK,
    needs=NEEDS,
)
async def accept_has_no_body(bench: Bench) -> None:
    _, call_id = await bench.ring()
    answer = await accepted(bench, call_id)
    bench.expect(answer.body == b"", "an empty body", answer.body[:100])


@documented(
    "CALL-ACCEPT-03",
    says="The caller hears ringing before an accept is answered.",
    clause="Telephony and SIP guide: 200 once the SIP leg is ringing",
    link=SIP_GUIDE,
)
async def caller_hears_ringing_first(bench: Bench) -> None:
    call, call_id = await bench.ring()
    answer = await accepted(bench, call_id)
    await call.answered(timeout=bench.within.answer)
    rung = [response for response in call.responses if response.status == 180]
    bench.expect(rung, "180 Ringing", [response.status for response in call.responses])
    # Two clocks of one process: what the loop did between two reads is not the target's doing.
    late = rung[0].at - answer.received_at
    bench.expect(late < bench.within.silence, "180 by the time of the 200", f"180 came {late:.3f} s later")


@documented("CALL-ACCEPT-04", says="The caller of an accepted call receives 200.", clause=CLAUSE)
async def accepted_caller_receives_200(bench: Bench) -> None:
    call, _ = await bench.connect()
    bench.expect(call.final_status == 200, "200 for the caller", call.final_status)


@observed(
    "CALL-ACCEPT-05",
    says="An accept with an unknown parameter is answered with 400 that names it.",
    clause="openai/openai-agents-js issue 741",
)
async def unknown_parameter_is_named(bench: Bench) -> None:
    _, call_id = await bench.ring()
    answer = await (await bench.rest()).accept(call_id, {**SESSION, "colour": "red"})
    bench.expect(answer.status == 400, "400", describe(answer))
    bench.expect("session.colour" in str(answer.error.get("message")), "session.colour in the message", answer.error)


@observed(
    "CALL-ACCEPT-06",
    says="An accept without a session type does not lead to a conversation.",
    clause="community observations, May 2026: 400, or 200 and a call that fails at its start",
)
async def accept_without_type_fails(bench: Bench) -> None:
    call, call_id = await bench.ring()
    answer = await (await bench.rest()).accept(call_id, {"model": "gpt-realtime"})
    if answer.status == 200:
        response = await call.final_response(timeout=bench.within.answer)
        bench.expect(response.status >= 400, "a refusal after the 200", response.status)
        return
    bench.expect(answer.status == 400, "400", describe(answer))


@requirement(
    "CALL-ACCEPT-07",
    level=Level.CHOICE,
    says="A call whose accept was refused for its body is still undecided.",
    evidence="CHOICE",
    clause="nobody has shown the answer",
    needs=NEEDS,
)
async def refused_accept_leaves_the_call_undecided(bench: Bench) -> None:
    call, call_id = await bench.ring()
    rest = await bench.rest()
    first = await rest.accept(call_id, {"type": "realtime", "colour": "red"})
    second = await rest.accept(call_id, SESSION)
    bench.note(f"{first.status}, then {second.status} and {call.final_status}")


@documented(
    "CALL-ACCEPT-08",
    says="An accept takes every documented field of a session.",
    clause="OpenAPI, schema RealtimeSessionCreateRequestGA",
)
async def accept_takes_every_field(bench: Bench) -> None:
    call, call_id = await bench.ring()
    await accepted(bench, call_id, EVERYTHING)
    await call.answered(timeout=bench.within.answer)


@requirement(
    "CALL-ACCEPT-09",
    level=Level.MUST,
    says="An accept takes a session of nothing but its type.",
    evidence="SDK",
    clause="types/realtime/call_accept_params.py: only type is required",
    link=SDK,
    needs=NEEDS,
)
async def accept_takes_the_least(bench: Bench) -> None:
    call, call_id = await bench.ring()
    await accepted(bench, call_id, {"type": "realtime"})
    await call.answered(timeout=bench.within.answer)


@observed(
    "CALL-ACCEPT-10",
    says="A second accept is refused with decision_already_made.",
    clause="Telephony and SIP guide, for Live calls on the same transceiver",
    link=SIP_GUIDE,
)
async def second_accept_is_refused(bench: Bench) -> None:
    _, call_id = await bench.connect()
    answer = await (await bench.rest()).accept(call_id, SESSION)
    bench.expect(400 <= answer.status < 500, "a refusal", describe(answer))
    bench.expect(answer.error.get("code") == "decision_already_made", "decision_already_made", describe(answer))


@observed(
    "CALL-ACCEPT-11",
    says="A reject after an accept is refused with decision_already_made.",
    clause="Telephony and SIP guide, for Live calls on the same transceiver",
    link=SIP_GUIDE,
)
async def reject_after_accept_is_refused(bench: Bench) -> None:
    call, call_id = await bench.connect()
    answer = await (await bench.rest()).reject(call_id)
    bench.expect(answer.error.get("code") == "decision_already_made", "decision_already_made", describe(answer))
    bench.expect(not call.is_over, "the call to go on", "its end")
