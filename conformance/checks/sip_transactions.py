"""The INVITE transaction: what its responses are made of, and what is sent again until it is acknowledged."""

from functools import partial

from ..bench import Bench
from ..client.call import Call
from ..client.errors import FarEndError, WaitTimeout
from ..client.messages import copy_of, tag_of
from ..client.records import ReceivedResponse, SipRecord
from ..requirement import Level, requirement

NEEDS = {"rest", "sip", "webhooks"}
UDP = {"rest", "sip-udp", "webhooks"}
ANOTHER_VIA = "SIP/2.0/TCP 192.0.2.7:5070;branch=z9hG4bKfurther;received=192.0.2.8"

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


def is_about_invite(record: SipRecord) -> bool:
    return record.message.cseq.method == "INVITE"


async def refused(bench: Bench, transport: str | None = None, **options: object) -> tuple[Call, ReceivedResponse]:
    """A call that the application rejected, and its final response."""
    call, call_id = await bench.ring(transport, **options)
    await (await bench.rest()).reject(call_id, 486)
    return call, await call.final_response(timeout=bench.within.answer)


async def accepted(bench: Bench, transport: str | None = None) -> Call:
    """A call with a 200 that was not acknowledged."""
    call, call_id = await bench.ring(transport, acknowledges=False)
    await (await bench.rest()).accept(call_id, {"type": "realtime"})
    await call.wait_for_status(200, timeout=bench.within.answer)
    return call


@by_rfc(
    "SIP-INVITE-01",
    says="An INVITE that waits for a decision is answered with 100 Trying.",
    clause="RFC 3261 17.2.1: 100 unless another response follows within 200 ms",
)
async def waiting_invite_gets_100(bench: Bench) -> None:
    call, _ = await bench.ring()
    await call.wait_for_status(100, timeout=bench.within.answer)


@by_rfc(
    "SIP-INVITE-02",
    says="A response carries every Via of its request in the same order.",
    clause="RFC 3261 8.2.6.2: Via values equal those of the request, in the same order",
)
async def response_copies_every_via(bench: Bench) -> None:
    call, response = await refused(bench, headers=[("Via", ANOTHER_VIA)])
    values = response.message.headers.getlist("Via")
    bench.expect(len(values) == 2, "two Via headers", values)
    bench.expect(values[1] == ANOTHER_VIA, ANOTHER_VIA, values[1])
    sent, top = call.invite.via[0], response.message.via[0]
    bench.expect((top.host, top.port) == (sent.host, sent.port), f"{sent.host}:{sent.port} on top", values[0])


@by_rfc(
    "SIP-INVITE-03",
    says="A response carries From, Call-ID and CSeq as they were in its request.",
    clause="RFC 3261 8.2.6.2: From, Call-ID and CSeq equal those of the request",
)
async def response_copies_the_identity(bench: Bench) -> None:
    call, response = await refused(bench, from_='"Smith, John" <sip:+14255550112@example.com;x=1>')
    for name in ("From", "Call-ID", "CSeq"):
        expected, actual = call.invite.headers[name], response.message.headers[name]
        bench.expect(actual == expected, f"{name}: {expected}", actual)


@by_rfc(
    "SIP-INVITE-04",
    says="Each response above 100 adds a tag to To.",
    clause="RFC 3261 8.2.6.2: the UAS MUST add a tag to To, but for 100",
)
async def response_tags_to(bench: Bench) -> None:
    call, response = await refused(bench)
    to = response.message.headers["To"]
    bench.expect(tag_of(to), "a tag in To", to)
    bench.expect(to.startswith(call.invite.headers["To"]), f"{call.invite.headers['To']} and a tag", to)


@by_rfc(
    "SIP-INVITE-05",
    says="All responses above 100 to an INVITE carry the same To tag.",
    clause="RFC 3261 8.2.6.2: the same tag in all responses to a request",
)
async def tag_is_the_same_in_all_responses(bench: Bench) -> None:
    call, _ = await bench.connect()
    tags = {tag_of(each.message.headers["To"]) for each in call.responses if each.status > 100}
    bench.expect(len(tags) == 1, "one To tag", tags)


@by_rfc(
    "SIP-INVITE-06",
    says="A 100 carries the Timestamp of its INVITE.",
    clause="RFC 3261 8.2.6.1: a Timestamp of the request is copied into 100",
)
async def trying_copies_timestamp(bench: Bench) -> None:
    call, _ = await bench.ring(headers=[("Timestamp", "54.21")])
    trying = await call.wait_for_status(100, timeout=bench.within.answer)
    value = trying.message.headers.get("Timestamp") or ""
    bench.expect(value.split()[:1] == ["54.21"], "Timestamp: 54.21", value or "none")


@by_rfc(
    "SIP-INVITE-07",
    says="An INVITE that comes again while it waits gets its provisional response again.",
    clause="RFC 3261 17.2.1: the most recent provisional response is sent again",
    needs=UDP,
)
async def repeated_invite_gets_the_provisional_again(bench: Bench) -> None:
    call, _ = await bench.ring("udp")
    first = await call.messages.wait_for("1", timeout=bench.within.answer)
    call.link.send(call.messages[0].raw)
    again = await call.messages.wait_for("1", count=2, timeout=bench.within.answer)
    bench.expect(again.raw == first.raw, f"{first.summary} as before", again.raw[:500])


@by_rfc(
    "SIP-INVITE-08",
    says="An INVITE that comes again is no second call.",
    clause="RFC 3261 17.2.1: retransmissions are not passed to the TU",
    needs=UDP,
)
async def repeated_invite_is_one_call(bench: Bench) -> None:
    call, _ = await bench.ring("udp")
    second = bench.watch(bench.delivery_of(call, count=2))
    call.link.send(call.messages[0].raw)
    call.link.send(call.messages[0].raw)
    bench.expect(await bench.nothing(second), "one webhook", "another one")


@by_rfc(
    "SIP-INVITE-09",
    says="A 200 over UDP is sent again until it is acknowledged.",
    clause="RFC 3261 13.3.1.4: the 2xx is sent again after T1, then doubling up to T2",
    needs=UDP,
)
async def success_is_repeated_over_udp(bench: Bench) -> None:
    call = await accepted(bench, "udp")
    await call.messages.wait_for("200", where=is_about_invite, count=2, timeout=bench.within.answer)
    call.acknowledge()


@by_rfc(
    "SIP-INVITE-10",
    says="A 200 over a reliable transport is sent again until it is acknowledged, too.",
    clause="RFC 3261 13.3.1.4: whatever the transport, as the next hop may be unreliable",
)
async def success_is_repeated_over_streams(bench: Bench) -> None:
    call = await accepted(bench)
    await call.messages.wait_for("200", where=is_about_invite, count=2, timeout=bench.within.answer)
    call.acknowledge()


@by_rfc(
    "SIP-INVITE-11",
    says="A 200 is not sent again once it was acknowledged.",
    clause="RFC 3261 13.3.1.4: retransmissions cease when the ACK is received",
)
async def success_is_not_repeated_after_the_ack(bench: Bench) -> None:
    call, _ = await bench.connect()
    again = call.messages.wait_for("200", where=is_about_invite, count=2, timeout=bench.within.answer)
    bench.expect(await bench.nothing(bench.watch(again), bench.within.repeat), "no 200 after the ACK", "another one")


@by_rfc(
    "SIP-INVITE-12",
    says="A refusal over UDP is sent again until it is acknowledged.",
    clause="RFC 3261 17.2.1: timer G",
    needs=UDP,
)
async def refusal_is_repeated_over_udp(bench: Bench) -> None:
    call, _ = await refused(bench, "udp", acknowledges=False)
    await call.messages.wait_for("486", count=2, timeout=bench.within.answer)
    call.acknowledge()


@by_rfc(
    "SIP-INVITE-13",
    says="A refusal is not sent again once it was acknowledged.",
    clause="RFC 3261 17.2.1: the ACK stops timer G",
    needs=UDP,
)
async def refusal_is_not_repeated_after_the_ack(bench: Bench) -> None:
    call, _ = await refused(bench, "udp")
    again = bench.watch(call.messages.wait_for("486", count=2, timeout=bench.within.answer))
    bench.expect(await bench.nothing(again, bench.within.repeat), "no refusal after the ACK", "another one")


@recommended(
    "SIP-INVITE-14",
    says="A refusal over a reliable transport is sent once.",
    clause="RFC 3261 17.2.1: timer G is not set over reliable transports",
)
async def refusal_is_sent_once_over_streams(bench: Bench) -> None:
    call, _ = await refused(bench, acknowledges=False)
    again = bench.watch(call.messages.wait_for("486", count=2, timeout=bench.within.answer))
    stayed_away = await bench.nothing(again, bench.within.repeat)
    call.acknowledge()
    bench.expect(stayed_away, "one refusal", "another one")


@recommended(
    "SIP-INVITE-15",
    says="An INVITE that comes again after its refusal is refused again at once.",
    clause="RFC 3261 17.2.1: in state Completed a request retransmission gets the response",
    needs={*UDP, "clock"},
)
async def repeated_invite_is_refused_again(bench: Bench) -> None:
    call, response = await refused(bench, "udp", acknowledges=False)
    call.link.send(call.messages[0].raw)
    again = await call.messages.wait_for("486", count=2, timeout=bench.within.answer)
    call.acknowledge()
    bench.expect(tag_of(again.message.headers["To"]) == tag_of(response.message.headers["To"]), "the same", again.raw)


@recommended(
    "SIP-INVITE-16",
    says="A call whose 200 nobody acknowledges is ended after 32 seconds.",
    clause="RFC 3261 13.3.1.4: without an ACK for 64*T1 the session is ended by BYE",
    needs={*NEEDS, "clock"},
)
async def call_without_ack_is_ended(bench: Bench) -> None:
    call = await accepted(bench)
    await bench.clock.advance(33.0)
    try:
        await call.wait_for_request("BYE", timeout=bench.within.bye)
    except (WaitTimeout, FarEndError) as error:
        bench.fail("a BYE", error)


@by_rfc(
    "SIP-INVITE-17",
    says="The same INVITE by another way is refused with 482.",
    clause="RFC 3261 8.2.2.2: a merged request",
)
async def merged_invite_is_refused(bench: Bench) -> None:
    call, _ = await bench.ring()
    phone = await bench.phone()
    copy = copy_of(call.invite, replace={"Via": phone.via(call.link)})
    response = await phone.transact(copy, call.link, timeout=bench.within.answer)
    bench.expect(response.code == 482, "482 to the second copy", f"{response.code} {response.phrase}")


@requirement(
    "SIP-INVITE-18",
    level=Level.OBSERVED,
    says="An accepted call is answered without early media.",
    evidence="OBS",
    clause="call captures of 2025 and 2026: 100, 180, 200",
    needs=NEEDS,
)
async def there_is_no_early_media(bench: Bench) -> None:
    call, _ = await bench.connect()
    others = [each.status for each in call.responses if each.status not in (100, 180, 200)]
    bench.expect(not others, "nothing but 100, 180 and 200", others)


@by_rfc(
    "SIP-ACK-01",
    says="An ACK is not answered, even if it fits nothing.",
    clause="RFC 3261 17: an ACK is never answered",
    needs={"sip"},
    calls=0,
)
async def stray_ack_is_not_answered(bench: Bench) -> None:
    phone = await bench.phone()
    uri = bench.access.sip[bench.transport]
    link = await phone.link_to(uri)
    stray = phone.compose("ACK", uri, link, replace={"To": f"<{uri}>;tag=unknown"})
    phone.send_ack(stray, link)
    await phone.request("OPTIONS", uri, timeout=bench.within.answer)
    answers = [each.summary for each in phone.messages.received() if stray.call_id.encode() in each.raw]
    bench.expect(not answers, "no answer to an ACK", answers)


@by_rfc(
    "SIP-ACK-02",
    says="An ACK that comes again is absorbed and the call goes on.",
    clause="RFC 3261 13.2.2.4: each 2xx that comes again is acknowledged again",
)
async def repeated_ack_is_absorbed(bench: Bench) -> None:
    call, _ = await bench.connect()
    before = len(call.messages.received())
    call.acknowledge()
    call.acknowledge()
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200, "200 in the call", response.code)
    came = [each.summary for each in call.messages.received()[before:]]
    bench.expect(len(came) == 1, "nothing but the 200 to OPTIONS", came)
