"""How a WebRTC call ends, and which verbs it has."""

import time
from functools import partial
from typing import Any

from ..bench import SESSION, Bench, describe
from ..client.errors import WaitTimeout
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from ..sources import SPEC

NEEDS = {"rest", "webrtc"}
HANGUP = "OpenAPI, POST /realtime/calls/{call_id}/hangup"
BODIES: dict[str, Any] = {"accept": SESSION, "reject": None, "refer": {"target_uri": "tel:+14155550123"}}

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=HANGUP, link=SPEC, needs=NEEDS)
observed = partial(
    requirement, level=Level.OBSERVED, evidence="OBS", clause="third-party observations, 2026", needs=NEEDS
)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", clause="nobody has shown it", needs=NEEDS)


@documented(
    "WEBRTC-HANGUP-01",
    says="A hangup of a WebRTC call is answered with 200.",
    clause=f"{HANGUP}: for SIP and WebRTC",
)
async def hangup_is_answered_with_200(bench: Bench) -> None:
    call = await bench.place()
    answer = await (await bench.rest()).hangup(call.id)
    bench.expect(answer.status == 200, "200 to hangup", describe(answer))


@documented(
    "WEBRTC-HANGUP-02",
    says="A hangup ends the caller's peer connection.",
    clause=f"{HANGUP}: ends the call",
)
async def hangup_ends_the_connection(bench: Bench) -> None:
    call = await bench.place()
    await (await bench.rest()).hangup(call.id)
    try:
        await call.ended(timeout=bench.within.bye)
    except WaitTimeout as error:
        bench.fail("the end of the call", error)


@observed("WEBRTC-HANGUP-03", says="A hangup closes the sideband of a WebRTC call.", needs=NEEDS | {"sideband"})
async def hangup_closes_the_sideband(bench: Bench) -> None:
    call = await bench.place()
    sideband = await bench.attach(call.id)
    await (await bench.rest()).hangup(call.id)
    await sideband.closed(timeout=bench.within.event)


@observed("WEBRTC-HANGUP-04", says="After a hangup another one is answered with 404.")
async def second_hangup_gets_404(bench: Bench) -> None:
    call = await bench.place()
    rest = await bench.rest()
    await rest.hangup(call.id)
    await call.ended(timeout=bench.within.bye)
    answer = await rest.hangup(call.id)
    bench.expect(answer.status == 404, "404", describe(answer))


@observed(
    "WEBRTC-CLOSE-01",
    says="A page that closes its peer connection ends the call: the sideband is closed.",
    clause="recordings and openai-agents-js issue 684: closed; others saw nothing",
    needs=NEEDS | {"sideband"},
)
async def closed_page_ends_the_call(bench: Bench) -> None:
    call = await bench.place()
    sideband = await bench.attach(call.id)
    await call.hang_up()
    await sideband.closed(timeout=bench.within.event)


@observed(
    "WEBRTC-CLOSE-02",
    says="A hangup of a call whose page is closed is answered with 404.",
    needs=NEEDS | {"sideband"},
)
async def closed_call_is_not_found(bench: Bench) -> None:
    call = await bench.place()
    sideband = await bench.attach(call.id)
    await call.hang_up()
    await sideband.closed(timeout=bench.within.event)
    answer = await (await bench.rest()).hangup(call.id)
    bench.expect(answer.status == 404, "404", describe(answer))


async def outlived(bench: Bench, sideband: Sideband) -> str:
    """When the sideband of a caller who is gone was closed."""
    began = time.monotonic()
    try:
        code = await sideband.closed(timeout=bench.within.farewell)
    except WaitTimeout:
        return f"the call is still there after {bench.within.farewell:g} s"
    return f"the sideband was closed after {time.monotonic() - began:.0f} s, {code}"


@choice(
    "WEBRTC-CLOSE-03",
    says="A call whose caller vanishes without a word ends by itself.",
    clause="RFC 7675 5.1: consent to send expires after 30 s; of the call's end nobody has shown it",
    needs=NEEDS | {"sideband"},
)
async def vanished_caller(bench: Bench) -> None:
    call = await bench.place()
    sideband = await bench.attach(call.id)
    await call.vanish()
    bench.note(await outlived(bench, sideband))


@choice(
    "WEBRTC-CLOSE-04",
    says="A call whose caller never connects ends by itself.",
    needs=NEEDS | {"sideband"},
)
async def caller_who_never_connects(bench: Bench) -> None:
    _, offer = await bench.offer()
    answer = await bench.post(offer, SESSION)
    bench.expect(answer.status == 201, "201 to the offer", describe(answer))
    sideband = await bench.attach((answer.header("Location") or "").rpartition("/")[2])
    bench.note(await outlived(bench, sideband))


def _declare_verb(number: int, verb: str) -> None:
    @choice(
        f"WEBRTC-VERB-{number:02d}",
        says=f"{verb.capitalize()} of a WebRTC call is refused, and the call goes on.",
        clause="the verb is documented for SIP; nobody has shown the answer",
    )
    async def verb_of_sip(bench: Bench) -> None:
        call = await bench.place()
        body = BODIES[verb]
        answer = await (await bench.rest()).call(call.id, verb, **({} if body is None else {"json_body": body}))
        bench.note(f"{describe(answer)[:120]}; the call is {'over' if call.is_over else 'alive'}")


for _number, _verb in enumerate(BODIES, 1):
    _declare_verb(_number, _verb)
