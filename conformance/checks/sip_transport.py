"""The ways of messages: framing on streams, where responses go over UDP, and TLS."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client.errors import ConnectionFailed
from ..client.messages import Request
from ..client.phone import Phone
from ..client.sip_transport import Link
from ..requirement import Level, requirement

NEEDS = {"sip"}
UDP = {"sip-udp"}
TLS = {"sip-tls"}

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


async def options(bench: Bench, phone: Phone, **how: Any) -> tuple[Request, Link]:
    """An OPTIONS that nobody has sent yet, and its connection."""
    uri = bench.access.sip[bench.transport]
    link = await phone.link_to(uri)
    return phone.compose("OPTIONS", uri, link, **how), link


async def answer_to(bench: Bench, phone: Phone, request: Request) -> None:
    call_id = request.headers["Call-ID"].encode()
    await phone.messages.wait_for("200", where=lambda each: call_id in each.raw, timeout=bench.within.answer)


@by_rfc(
    "SIP-STREAM-01",
    says="Two requests in one piece of a stream are both answered.",
    clause="RFC 3261 18.3: Content-Length tells where a message ends in a stream",
    calls=0,
)
async def two_requests_in_one_piece(bench: Bench) -> None:
    phone = await bench.phone()
    one, link = await options(bench, phone, body=b"12\r\n\r\n34", headers=[("Content-Type", "text/plain")])
    two, _ = await options(bench, phone)
    link.send(bytes(one) + bytes(two))
    await answer_to(bench, phone, one)
    await answer_to(bench, phone, two)


@by_rfc(
    "SIP-STREAM-02",
    says="A request that comes in two pieces of a stream is answered.",
    clause="RFC 3261 18.3: a stream has no borders of its own",
    calls=0,
)
async def request_in_two_pieces(bench: Bench) -> None:
    phone, other = await bench.phone(), await bench.phone(user="other")
    request, link = await options(bench, phone)
    data = bytes(request)
    link.send(data[:100])
    # An exchange on another connection, so that the first piece has arrived by itself.
    await other.request("OPTIONS", bench.access.sip[bench.transport], timeout=bench.within.answer)
    link.send(data[100:])
    await answer_to(bench, phone, request)


@by_rfc(
    "SIP-STREAM-03",
    says="Line breaks before a request are ignored.",
    clause="RFC 3261 7.5: CRLF before the start line MUST be ignored on streams",
    calls=0,
)
async def line_breaks_before_a_request(bench: Bench) -> None:
    phone = await bench.phone()
    request, link = await options(bench, phone)
    link.send(b"\r\n\r\n\r\n" + bytes(request))
    await answer_to(bench, phone, request)


@recommended(
    "SIP-STREAM-04",
    says="A keep-alive of two line breaks is answered by one.",
    clause="RFC 5626 4.4.1: a double CRLF is answered by a single one",
    calls=0,
)
async def keepalive_is_answered(bench: Bench) -> None:
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    link.send(b"\r\n\r\n")
    await link.wait_for_pong(timeout=bench.within.answer)


@requirement(
    "SIP-STREAM-05",
    level=Level.CHOICE,
    says="A request without Content-Length on a stream ends the connection.",
    evidence="CHOICE",
    clause="RFC 3261 18.3 demands the header and says nothing of the answer",
    needs=NEEDS,
    calls=0,
)
async def request_without_length(bench: Bench) -> None:
    phone = await bench.phone(rewrites=lambda message: message.replace(b"Content-Length: 0\r\n", b""))
    try:
        response = await phone.request("OPTIONS", bench.access.sip[bench.transport], timeout=bench.within.silence)
    except ConnectionFailed as error:
        bench.note(f"the connection ended: {error}")
    bench.note(f"{response.code} {response.phrase}")


@by_rfc(
    "SIP-UDP-01",
    says="Over UDP a response says in rport from which port its request came.",
    clause="RFC 3581 4: rport gets the source port",
    needs=UDP,
    calls=0,
)
async def response_names_the_source_port(bench: Bench) -> None:
    phone = await bench.phone("udp")
    uri = bench.access.sip["udp"]
    link = await phone.link_to(uri)
    response = await phone.request("OPTIONS", uri, timeout=bench.within.answer)
    port = response.via[0].parameters.get("rport")
    bench.expect(port == str(link.local[1]), f"rport={link.local[1]}", response.headers["Via"])


@by_rfc(
    "SIP-UDP-02",
    says="Over UDP a response to a request with rport has received, too.",
    clause="RFC 3581 4: received goes with rport",
    needs=UDP,
    calls=0,
)
async def response_names_the_source_address(bench: Bench) -> None:
    phone = await bench.phone("udp")
    uri = bench.access.sip["udp"]
    response = await phone.request("OPTIONS", uri, timeout=bench.within.answer)
    bench.expect(response.via[0].parameters.get("received"), "received=…", response.headers["Via"])


@by_rfc(
    "SIP-UDP-03",
    says="Over UDP a request from behind NAT is answered where it came from.",
    clause="RFC 3261 18.2.1: received where the address differs from sent-by",
    needs=UDP,
    calls=0,
)
async def request_from_behind_nat_is_answered(bench: Bench) -> None:
    phone = await bench.phone("udp", advertise_ip="192.0.2.77")
    response = await phone.request("OPTIONS", bench.access.sip["udp"], timeout=bench.within.answer)
    received = response.via[0].parameters.get("received") or ""
    bench.expect(received not in ("", "192.0.2.77"), "received=, the true address", response.headers["Via"])


@by_rfc(
    "SIP-UDP-04",
    says="Over UDP a response without rport goes to the port in Via.",
    clause="RFC 3261 18.2.2: without rport to the port in sent-by",
    needs=UDP,
    calls=0,
)
async def response_goes_to_the_port_in_via(bench: Bench) -> None:
    uri = bench.access.sip["udp"]
    phone, other = await bench.phone("udp"), await bench.phone("udp", user="other")
    link, elsewhere = await phone.link_to(uri), await other.link_to(uri)
    via = phone.via(link).replace(f":{link.local[1]}", f":{elsewhere.local[1]}").replace(";rport", "")
    request = phone.compose("OPTIONS", uri, link, replace={"Via": via})
    link.send(bytes(request))
    await answer_to(bench, other, request)


@recommended(
    "SIP-UDP-05",
    says="A datagram of line breaks is ignored.",
    clause="RFC 5626 3.5.1 and RFC 3261 7.5",
    needs=UDP,
    calls=0,
)
async def empty_datagrams_are_ignored(bench: Bench) -> None:
    phone = await bench.phone("udp")
    uri = bench.access.sip["udp"]
    for data in (b"\r\n\r\n", b"\0", b"garbage"):
        await phone.send_raw(uri, data)
    response = await phone.request("OPTIONS", uri, timeout=bench.within.answer)
    bench.expect(response.code == 200, "200 to OPTIONS", response.code)


@requirement(
    "SIP-TLS-01",
    level=Level.OBSERVED,
    says="The certificate is valid for the name that is dialled.",
    evidence="OBS",
    clause="the guide names the host; one PBX verified it, one did not",
    needs=TLS,
    calls=0,
)
async def certificate_is_valid(bench: Bench) -> None:
    phone = await bench.phone("tls", verify=True)
    try:
        await phone.link_to(bench.access.sip["tls"])
    except ConnectionFailed as error:
        bench.fail("a certificate that can be verified", error)


@by_rfc(
    "SIP-TLS-02",
    says="TLS 1.2 is spoken.",
    clause="RFC 9325 3.1.1: implementations MUST support TLS 1.2",
    needs=TLS,
    calls=0,
)
async def tls_1_2_is_spoken(bench: Bench) -> None:
    phone = await bench.phone("tls", tls_version="1.2")
    response = await phone.request("OPTIONS", bench.access.sip["tls"], timeout=bench.within.answer)
    bench.expect(response.code < 500, "an answer", response.code)


@recommended(
    "SIP-TLS-03",
    says="TLS 1.3 is spoken.",
    clause="RFC 9325 3.1.1: implementations SHOULD support TLS 1.3",
    needs=TLS,
    calls=0,
)
async def tls_1_3_is_spoken(bench: Bench) -> None:
    phone = await bench.phone("tls", tls_version="1.3")
    response = await phone.request("OPTIONS", bench.access.sip["tls"], timeout=bench.within.answer)
    bench.expect(response.code < 500, "an answer", response.code)
