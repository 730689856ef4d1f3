"""`POST …/refer`: the REFER that leaves, byte for byte, and what follows from its fate."""

from functools import partial
from typing import Any

from ..bench import Bench, describe
from ..client.call import Call
from ..client.errors import FarEndError, WaitTimeout
from ..client.records import ReceivedRequest, ReferPlan
from ..requirement import Level, requirement
from ..sources import SDK, SIP_GUIDE, SPEC, rfc

CLAUSE = "OpenAPI, POST /realtime/calls/{call_id}/refer"
NEEDS = {"rest", "sip", "webhooks", "refer"}
TARGET = "tel:+14155550123"
STAYS = ReferPlan(status=202, notifies=(), hangs_up=False)
"""A trunk that takes the REFER and then says nothing."""

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


async def referred(bench: Bench, target: str = TARGET, plan: ReferPlan = STAYS) -> tuple[Call, str, ReceivedRequest]:
    """A transfer whose REFER has arrived: the call, its id, the REFER."""
    call, call_id = await bench.connect(on_refer=plan)
    answer = await (await bench.rest()).refer(call_id, target)
    bench.expect(answer.status == 200, "200 to refer", describe(answer))
    return call, call_id, await refer_of(bench, call)


async def refer_of(bench: Bench, call: Call) -> ReceivedRequest:
    try:
        return await call.wait_for_request("REFER", timeout=bench.within.answer)
    except (WaitTimeout, FarEndError) as error:
        bench.fail("a REFER for the caller", error)


def refer_to(refer: ReceivedRequest) -> list[str]:
    return refer.message.headers.getlist("Refer-To")


@documented("CALL-REFER-01", says="A refer of a running call is answered with 200.", clause=CLAUSE)
async def refer_is_answered_with_200(bench: Bench) -> None:
    _, call_id = await bench.connect(on_refer=STAYS)
    answer = await (await bench.rest()).refer(call_id, TARGET)
    bench.expect(answer.status == 200, "200 to refer", describe(answer))


@documented(
    "CALL-REFER-02",
    says="A refer sends REFER to the trunk in the dialog of the call.",
    clause="Telephony and SIP guide, transfers",
    link=SIP_GUIDE,
)
async def refer_sends_refer(bench: Bench) -> None:
    _, _, refer = await referred(bench)
    bench.expect(refer.status == 202, "a REFER that the phone's dialog takes", refer.status)


def _declare_target(number: int, says: str, target: str) -> None:
    @documented(
        f"CALL-REFER-{number:02d}",
        says=says,
        clause="OpenAPI, schema RealtimeCallReferRequest: the URI that appears in Refer-To",
    )
    async def target_arrives_as_it_is(bench: Bench) -> None:
        _, _, refer = await referred(bench, target)
        bench.expect(refer_to(refer) in ([f"<{target}>"], [target]), f"Refer-To: <{target}>", refer_to(refer))


_declare_target(3, "The Refer-To of a tel target is that target.", TARGET)
_declare_target(4, "The Refer-To of a sip target is that target.", "sip:agent@example.com")
_declare_target(
    5,
    "The parameters of a sip target arrive in Refer-To, byte for byte.",
    "sip:+14155550123@example.com:5080;user=phone;transport=tcp",
)
_declare_target(
    6,
    "The headers and escapes of a sip target arrive in Refer-To, byte for byte.",
    "sip:agent@example.com?X-Reason=a%20b%2Fc&Replaces=1%40h%3Bto-tag%3D2",
)


@documented(
    "CALL-REFER-07",
    says="A refer is answered when its REFER was handed over, not before.",
    clause=f"{CLAUSE}: 200 once the REFER is handed off",
)
async def refer_is_answered_after_the_refer(bench: Bench) -> None:
    call, call_id = await bench.connect(on_refer=STAYS)
    answer = await (await bench.rest()).refer(call_id, TARGET)
    refer = await refer_of(bench, call)
    late = refer.at - answer.received_at
    bench.expect(late < bench.within.silence, "REFER by the time of the 200", f"REFER came {late:.3f} s later")


@by_rfc("CALL-REFER-08", says="A REFER has exactly one Refer-To header.", clause="RFC 3515 2.4.1")
async def refer_has_one_refer_to(bench: Bench) -> None:
    _, _, refer = await referred(bench)
    bench.expect(len(refer_to(refer)) == 1, "one Refer-To", refer_to(refer))


def _declare_injection(number: int, says: str, target: str) -> None:
    @by_rfc(
        f"CALL-REFER-{number:02d}",
        says=says,
        clause="RFC 3261 7.3.1 and 25.1: a header field value is one line; a URI has no such characters",
        link=rfc(3261, "25.1"),
    )
    async def injection_never_leaves(bench: Bench) -> None:
        call, call_id = await bench.connect(on_refer=STAYS)
        answer = await (await bench.rest()).refer(call_id, target)
        if answer.status == 200:
            refer = await refer_of(bench, call)
            injected = refer.message.headers.getlist("X-Injected")
            bench.expect(not injected, "no header of the attacker's", injected)
            bench.expect(len(refer_to(refer)) == 1, "one Refer-To", refer_to(refer))
            return
        bench.expect(400 <= answer.status < 500, "a refusal", describe(answer))
        came = bench.watch(call.wait_for_request("REFER", timeout=bench.within.answer))
        bench.expect(await bench.nothing(came), "no REFER after the refusal", "a REFER")


_declare_injection(
    9, "A line break in a target injects no header.", "sip:a@example.com>\r\nX-Injected: 1\r\nX-Rest: <sip:b"
)
_declare_injection(
    10, "A closing bracket in a target does not end the Refer-To early.", "sip:a@example.com>;x=<sip:b@c"
)


def _declare_bad_body(number: int, level: Level, says: str, body: Any) -> None:
    @documented(f"CALL-REFER-{number:02d}", level=level, says=says, clause="OpenAPI, schema RealtimeCallReferRequest")
    async def body_is_refused(bench: Bench) -> None:
        _, call_id = await bench.connect(on_refer=STAYS)
        answer = await (await bench.rest()).call(call_id, "refer", json_body=body)
        bench.expect(answer.status == 400, "400", describe(answer))


_declare_bad_body(11, Level.MUST, "A refer without a target is answered with 400.", {})
_declare_bad_body(12, Level.SHOULD, "A refer whose target is no string is answered with 400.", {"target_uri": 1})
_declare_bad_body(
    13,
    Level.SHOULD,
    "A refer with an unknown field is answered with 400.",
    {"target_uri": TARGET, "colour": "red"},
)


@by_rfc(
    "CALL-REFER-14",
    says="The NOTIFYs of a transfer are answered with 200.",
    clause="RFC 3515 2.4.4 and RFC 6665 4.1.3",
)
async def notifies_are_answered(bench: Bench) -> None:
    call, _, refer = await referred(bench)
    event = f"refer;id={refer.message.cseq.sequence}"
    answer = await call.request(
        "NOTIFY",
        headers=[
            ("Event", event),
            ("Subscription-State", "active;expires=60"),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ],
        body=b"SIP/2.0 100 Trying\r\n",
    )
    bench.expect(answer.code == 200, "200 to NOTIFY", answer.code)


@by_rfc("CALL-REFER-15", says="The carrier's BYE after a transfer is answered with 200.", clause="RFC 3261 15.1.2")
async def bye_after_a_transfer_is_answered(bench: Bench) -> None:
    call, _, _ = await referred(bench)
    answer = await call.request("BYE", timeout=bench.within.bye)
    bench.expect(answer.code == 200, "200 to BYE", answer.code)


@by_rfc(
    "CALL-REFER-16",
    says="A refused REFER leaves the call as it was.",
    clause="RFC 3515 2.4.1: the REFER has no bearing on the dialog",
)
async def refused_refer_leaves_the_call(bench: Bench) -> None:
    plan = ReferPlan(status=603, notifies=(), hangs_up=False)
    call, call_id, _ = await referred(bench, plan=plan)
    bye = bench.watch(call.wait_for_request("BYE", timeout=bench.within.bye))
    bench.expect(await bench.nothing(bye), "the call to go on", "a BYE")
    answer = await (await bench.rest()).hangup(call_id)
    bench.expect(answer.status == 200, "200 to hangup of a call that goes on", describe(answer))


@requirement(
    "CALL-REFER-17",
    level=Level.SHOULD,
    says="The answer to a refer has an empty body.",
    evidence="SDK",
    clause="resources/realtime/calls.py: refer returns None",
    link=SDK,
    needs=NEEDS,
)
async def refer_has_no_body(bench: Bench) -> None:
    _, call_id = await bench.connect(on_refer=STAYS)
    answer = await (await bench.rest()).refer(call_id, TARGET)
    bench.expect(answer.body == b"", "an empty body", answer.body[:100])


@choice(
    "CALL-REFER-18",
    says="After a transfer that succeeded somebody ends the call.",
    clause="nobody has shown who sends the BYE",
)
async def somebody_ends_the_call(bench: Bench) -> None:
    plan = ReferPlan(status=202, notifies=(100, 200), hangs_up=False)
    call, _, _ = await referred(bench, plan=plan)
    bye = bench.watch(call.wait_for_request("BYE", timeout=bench.within.bye))
    bench.note("it waits for the carrier's BYE" if await bench.nothing(bye) else "it sends BYE itself")


@by_rfc(
    "CALL-REFER-19",
    level=Level.SHOULD,
    says="A NOTIFY of a running transfer is answered with 200 after the BYE too.",
    clause="RFC 5057 4.2: BYE ends the call; the subscription in its dialog goes on",
)
async def notify_after_the_bye_is_answered(bench: Bench) -> None:
    call, _, refer = await referred(bench)
    await call.request("BYE", timeout=bench.within.bye)
    answer = await call.request(
        "NOTIFY",
        headers=[
            ("Event", f"refer;id={refer.message.cseq.sequence}"),
            ("Subscription-State", "terminated;reason=noresource"),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ],
        body=b"SIP/2.0 200 OK\r\n",
        timeout=bench.within.answer,
    )
    bench.expect(answer.code == 200, "200 to NOTIFY", answer.code)


@choice(
    "CALL-REFER-20",
    says="A call goes on or ends when a trunk takes the REFER and never reports.",
    clause="RFC 6665 4.1.2.4 gives up the subscription after 64*T1; what becomes of the call is said nowhere",
    link=rfc(6665, "4.1.2.4"),
    needs={*NEEDS, "clock"},
)
async def silent_transfer(bench: Bench) -> None:
    call, _, _ = await referred(bench)
    await bench.clock.advance(33.0)
    bye = bench.watch(call.wait_for_request("BYE", timeout=bench.within.bye))
    bench.note("the call goes on" if await bench.nothing(bye) else "the call is hung up")
