"""Which way requests of a call take: recorded routes, lost connections, and several calls of one Call-ID."""

from functools import partial

from ..bench import Bench, describe
from ..client.call import Call
from ..client.errors import FarEndError, WaitTimeout
from ..client.messages import Request, split_list, uri_of
from ..client.records import ReceivedRequest, ReferPlan
from ..requirement import Level, requirement
from ..sources import rfc

NEEDS = {"rest", "sip", "webhooks"}
STAYS = ReferPlan(status=202, notifies=(), hangs_up=False)
TARGET = "tel:+14155550123"

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)


async def two_routes(bench: Bench) -> list[str]:
    """What a proxy records that takes the call by one transport and hands it on by another: itself, twice (RFC 5658).
    Here the proxy is the phone."""
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    here = f"{phone.media_address(link)}:{link.local[1]}"
    other = "tcp" if link.transport == "udp" else "udp"
    return [f"<sip:{here};transport={link.transport};r2=on;lr>", f"<sip:{here};transport={other};r2=on;lr;ftag=a>"]


async def refer_of(bench: Bench, call: Call, call_id: str) -> Request:
    answer = await (await bench.rest()).refer(call_id, TARGET)
    bench.expect(answer.status == 200, "200 to refer", describe(answer))
    return (await arrived(bench, call, "REFER")).message


async def arrived(bench: Bench, call: Call, method: str) -> ReceivedRequest:
    try:
        return await call.wait_for_request(method, timeout=bench.within.bye)
    except (WaitTimeout, FarEndError) as error:
        bench.fail(f"a {method} for the caller", error)


@by_rfc(
    "SIP-ROUTE-01",
    says="A REFER carries the routes of a proxy that changes the transport, in order.",
    clause="RFC 3261 12.2.1.1: the route set, in order and with all parameters; RFC 5658 3.1: a proxy records twice",
    needs={*NEEDS, "refer"},
)
async def refer_follows_the_route(bench: Bench) -> None:
    route = await two_routes(bench)
    call, call_id = await bench.connect(headers=[("Record-Route", each) for each in route], on_refer=STAYS)
    refer = await refer_of(bench, call, call_id)
    taken = split_list(refer.headers.getlist("Route"))
    bench.expect(taken == route, f"Route: {', '.join(route)}", taken)


@by_rfc(
    "SIP-ROUTE-02",
    says="Behind a loose router the Request-URI of a REFER is the Contact of the caller.",
    clause="RFC 3261 12.2.1.1: the Request-URI is the remote target where the first route has lr",
    needs={*NEEDS, "refer"},
)
async def refer_goes_to_the_contact(bench: Bench) -> None:
    route = await two_routes(bench)
    call, call_id = await bench.connect(headers=[("Record-Route", each) for each in route], on_refer=STAYS)
    refer = await refer_of(bench, call, call_id)
    contact = uri_of(call.invite.headers["Contact"])
    bench.expect(str(refer.uri) == contact, f"REFER {contact}", f"REFER {refer.uri}")


@by_rfc(
    "SIP-ROUTE-03",
    says="Before a strict router the Contact of the caller is the last route.",
    clause="RFC 3261 12.2.1.1: without lr the first route is the Request-URI and the remote target the last Route",
)
async def strict_router_is_the_request_uri(bench: Bench) -> None:
    strict = (await two_routes(bench))[0].replace(";lr", "").replace("sip:", "sip:strict@")
    call, call_id = await bench.connect(headers=[("Record-Route", strict)])
    await (await bench.rest()).hangup(call_id)
    bye = (await arrived(bench, call, "BYE")).message
    taken = split_list(bye.headers.getlist("Route"))
    contact = f"<{uri_of(call.invite.headers['Contact'])}>"
    bench.expect(f"<{bye.uri}>" == strict, f"BYE {strict[1:-1]}", f"BYE {bye.uri}")
    bench.expect(taken == [contact], f"Route: {contact}", taken)


@by_rfc(
    "SIP-ROUTE-04",
    says="A re-INVITE does not change the routes of its call.",
    clause="RFC 3261 12.2: requests within a dialog may carry Record-Route, which does not modify the route set",
)
async def reinvite_keeps_the_route(bench: Bench) -> None:
    route = await two_routes(bench)
    call, call_id = await bench.connect(headers=[("Record-Route", each) for each in route])
    headers = [("Content-Type", "application/sdp"), ("Record-Route", route[0].replace("sip:", "sip:other@"))]
    await call.request("INVITE", headers=headers, body=call.invite.body, timeout=bench.within.answer)
    await (await bench.rest()).hangup(call_id)
    bye = (await arrived(bench, call, "BYE")).message
    taken = split_list(bye.headers.getlist("Route"))
    bench.expect(taken == route, f"Route: {', '.join(route)}", taken)


@by_rfc(
    "SIP-ROUTE-05",
    says="An INVITE of the same Call-ID from another tag is a call of its own.",
    clause="RFC 3261 8.2.2.2 and 12: only the same From tag, Call-ID and CSeq together are the same request",
    link=rfc(3261, "12"),
    calls=2,
)
async def other_tag_is_another_call(bench: Bench) -> None:
    call, _ = await bench.ring()
    second = bench.watch(bench.delivery_of(call, count=2))
    phone = await bench.phone()
    replace = {"Call-ID": call.id, "CSeq": call.invite.headers["CSeq"]}
    uri = bench.access.sip[bench.transport]
    headers = [("Contact", phone.contact(call.link)), ("Content-Type", "application/sdp")]
    other = phone.compose("INVITE", uri, call.link, headers=headers, body=call.invite.body, replace=replace)
    answer = bench.watch(phone.transact(other, call.link, timeout=bench.within.webhook + bench.within.answer))
    try:
        delivery = await second
    except WaitTimeout as error:
        bench.fail("a second webhook", error)
    bench.expect(delivery.call_id, "a call_id", delivery.event)
    await (await bench.rest()).reject(delivery.call_id or "", 486)
    refused = await answer
    bench.expect(refused.code == 486, "486 to the second", f"{refused.code} {refused.phrase}")
    bench.expect(call.final_status is None, "the first to ring on", call.final_status)


@by_rfc(
    "SIP-ROUTE-06",
    says="A caller whose connection is lost receives BYE where its Contact says.",
    clause="RFC 3261 8.1.2 and 18.1.1: a request is sent to where its URI leads, by a new connection if there is none",
    link=rfc(3261, "18.1.1"),
    needs={*NEEDS, "sip-tcp", "sip-reconnect"},
)
async def bye_opens_a_connection(bench: Bench) -> None:
    phone = await bench.phone("tcp", user="listener")
    await phone.listen("tcp")
    call, call_id = await bench.connect("tcp", phone=phone)
    await phone.drop(call.link)
    answer = await (await bench.rest()).hangup(call_id)
    bench.expect(answer.status == 200, "200 to hangup", describe(answer))
    await arrived(bench, call, "BYE")


@by_rfc(
    "SIP-ROUTE-07",
    says="A call goes on by another connection of its caller.",
    clause="RFC 3261 12: a dialog is known by Call-ID and tags, by whatever connection a request comes",
    needs={*NEEDS, "sip-tcp"},
)
async def caller_comes_back(bench: Bench) -> None:
    phone = await bench.phone("tcp", user="wanderer")
    call, call_id = await bench.connect("tcp", phone=phone)
    await phone.drop(call.link)
    call.link = await phone.link_to(bench.access.sip["tcp"])
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200, "200 to a request in the call", f"{response.code} {response.phrase}")
    await (await bench.rest()).hangup(call_id)
    await arrived(bench, call, "BYE")


@requirement(
    "SIP-ROUTE-08",
    level=Level.SHOULD,
    says="A BYE whose connection closes before its answer comes again where the Contact says.",
    evidence="RFC",
    clause="RFC 3263 4.3: after a transport failure the client should send the request again, as a new transaction",
    link=rfc(3263, "4.3"),
    needs={*NEEDS, "sip-tcp", "sip-reconnect"},
)
async def bye_comes_again(bench: Bench) -> None:
    def closes(message: bytes) -> bytes:
        """The connection is gone when the first BYE is answered."""
        if message.startswith(b"SIP/2.0 200") and b" BYE\r\n" in message:
            call.link.close()
        return message

    phone = await bench.phone("tcp", user="forgetful", rewrites=closes)
    await phone.listen("tcp")
    call, call_id = await bench.connect("tcp", phone=phone)
    answer = await (await bench.rest()).hangup(call_id)
    bench.expect(answer.status == 200, "200 to hangup", describe(answer))
    await call.messages.wait_for("BYE", where=lambda bye: bye.local != call.link.local, timeout=bench.within.bye)
