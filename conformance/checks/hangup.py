"""`POST …/hangup`: the BYE, and when the application is answered."""

from functools import partial

from ..bench import Bench, describe
from ..client.call import Call
from ..client.errors import FarEndError, WaitTimeout
from ..client.rest import RestAnswer
from ..requirement import Level, requirement
from ..sources import SDK, SPEC

CLAUSE = "OpenAPI, POST /realtime/calls/{call_id}/hangup"
NEEDS = {"rest", "sip", "webhooks"}

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(
    requirement, level=Level.OBSERVED, evidence="OBS", clause="third-party observation, 2026", needs=NEEDS
)
by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)


async def hung_up(bench: Bench) -> tuple[Call, RestAnswer]:
    call, call_id = await bench.connect()
    answer = await (await bench.rest()).hangup(call_id)
    bench.expect(answer.status == 200, "200 to hangup", describe(answer))
    await call.wait_for_request("BYE", timeout=bench.within.bye)
    return call, answer


@documented("CALL-HANGUP-01", says="A hangup of a running call is answered with 200.", clause=CLAUSE)
async def hangup_is_answered_with_200(bench: Bench) -> None:
    _, call_id = await bench.connect()
    answer = await (await bench.rest()).hangup(call_id)
    bench.expect(answer.status == 200, "200 to hangup", describe(answer))


@documented("CALL-HANGUP-02", says="A hangup sends BYE to the caller.", clause=f"{CLAUSE}: ends the call")
async def hangup_sends_bye(bench: Bench) -> None:
    call, call_id = await bench.connect()
    await (await bench.rest()).hangup(call_id)
    try:
        await call.wait_for_request("BYE", timeout=bench.within.bye)
    except (WaitTimeout, FarEndError) as error:
        bench.fail("BYE", error)


@documented(
    "CALL-HANGUP-03",
    says="A hangup is answered when its BYE was sent, not before.",
    clause=f"{CLAUSE}: 200 when the call begins to end",
)
async def hangup_is_answered_after_the_bye(bench: Bench) -> None:
    call, answer = await hung_up(bench)
    bye = next(request for request in call.requests if request.method == "BYE")
    late = bye.at - answer.received_at
    bench.expect(late < bench.within.silence, "BYE by the time of the 200", f"BYE came {late:.3f} s later")


@observed("CALL-HANGUP-04", says="A second hangup is answered with 404.")
async def second_hangup_gets_404(bench: Bench) -> None:
    call, call_id = await bench.connect()
    rest = await bench.rest()
    await rest.hangup(call_id)
    await call.ended(timeout=bench.within.bye)
    answer = await rest.hangup(call_id)
    bench.expect(answer.status == 404, "404", describe(answer))


@by_rfc(
    "CALL-HANGUP-05",
    says="The BYE of a hangup belongs to the dialog: tags and Call-ID are the call's.",
    clause="RFC 3261 12.2.1.1",
)
async def bye_belongs_to_the_dialog(bench: Bench) -> None:
    call, _ = await hung_up(bench)
    bye = next(request for request in call.requests if request.method == "BYE")
    bench.expect(bye.status == 200, "a BYE that the phone's dialog takes", f"the phone answered {bye.status}")


@by_rfc(
    "CALL-HANGUP-06",
    says="No BYE is sent before the ACK of the 200.",
    clause="RFC 3261 15: the callee's UA MUST NOT send a BYE until it has received an ACK",
)
async def bye_waits_for_the_ack(bench: Bench) -> None:
    call, call_id = await bench.ring(acknowledges=False)
    rest = await bench.rest()
    await rest.accept(call_id)
    await call.wait_for_status(200, timeout=bench.within.answer)
    early = bench.watch(call.wait_for_request("BYE", timeout=bench.within.bye))
    hangup = bench.watch(rest.hangup(call_id))
    stayed_away = await bench.nothing(early)
    bench.expect(stayed_away, "no BYE before the ACK", "a BYE")
    call.acknowledge()
    await call.wait_for_request("BYE", timeout=bench.within.bye)
    await hangup


@observed("CALL-HANGUP-07", says="A hangup closes the call's sidebands.", needs=NEEDS | {"sideband"})
async def hangup_closes_the_sideband(bench: Bench) -> None:
    _, call_id = await bench.connect()
    sideband = await bench.attach(call_id)
    await (await bench.rest()).hangup(call_id)
    await sideband.closed(timeout=bench.within.event)


@requirement(
    "CALL-HANGUP-08",
    level=Level.SHOULD,
    says="The answer to a hangup has an empty body.",
    evidence="SDK",
    clause="resources/realtime/calls.py: hangup returns None",
    link=SDK,
    needs=NEEDS,
)
async def hangup_has_no_body(bench: Bench) -> None:
    _, answer = await hung_up(bench)
    bench.expect(answer.body == b"", "an empty body", answer.body[:100])
