"""The writing of messages: what has to be understood however it is written, and what is refused."""

import re
from collections.abc import Callable, Iterable
from functools import partial

from ..bench import Bench
from ..client.errors import WaitTimeout
from ..client.messages import Response, split_list
from ..requirement import Level, requirement

NEEDS = {"rest", "sip", "webhooks"}
UDP = {"rest", "sip-udp", "webhooks"}
COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m"}
COMPACT |= {"Content-Type": "c", "Content-Length": "l"}
LONG_LINES = {"From", "To", "Contact"}

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


def by_name(change: Callable[[str, str], str]) -> Callable[[bytes], bytes]:
    """A rewriting of each header of an INVITE from its name and value; other messages pass as they are."""

    def rewrite(message: bytes) -> bytes:
        if not message.startswith(b"INVITE"):
            return message
        head, end, body = message.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        changed = [change(*re.split(r": ?", line, maxsplit=1)) for line in lines]
        return "\r\n".join([first, *changed]).encode() + end + body

    return rewrite


async def understood(bench: Bench, rewrite: Callable[[bytes], bytes], transport: str | None = None) -> None:
    """An INVITE that is written so has to ring."""
    phone = await bench.phone(transport, rewrites=rewrite)
    call, call_id = await bench.ring(transport, phone=phone)
    await (await bench.rest()).reject(call_id, 486)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 486, "the application's 486", f"{response.status} {response.reason}")


async def answered(bench: Bench, method: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """The final response to a request outside of a call."""
    phone = await bench.phone()
    uri = bench.access.sip[bench.transport]
    return await phone.request(method, uri, headers=headers, timeout=bench.within.answer)


def line(response: Response) -> str:
    return f"{response.code} {response.phrase}"


@by_rfc(
    "SIP-SYNTAX-01",
    says="Compact header names are understood.",
    clause="RFC 3261 7.3.3: both forms of each header name MUST be accepted",
)
async def compact_names_are_understood(bench: Bench) -> None:
    await understood(bench, by_name(lambda name, value: f"{COMPACT.get(name, name)}: {value}"))


@by_rfc(
    "SIP-SYNTAX-02",
    says="Header names are understood in any case.",
    clause="RFC 3261 7.3.1: header names are case-insensitive",
)
async def names_are_case_insensitive(bench: Bench) -> None:
    await understood(bench, by_name(lambda name, value: f"{name.swapcase()}: {value}"))


@by_rfc(
    "SIP-SYNTAX-03",
    says="Folded headers are understood.",
    clause="RFC 3261 7.3.1: a header may go on in the next line",
)
async def folded_headers_are_understood(bench: Bench) -> None:
    def fold(name: str, value: str) -> str:
        return f"{name}:\r\n {value}" if name in LONG_LINES else f"{name}: {value}"

    await understood(bench, by_name(fold))


@by_rfc(
    "SIP-SYNTAX-04",
    says="White space around the colon of a header is ignored.",
    clause="RFC 3261 7.3.1: any amount of white space on either side of the colon",
)
async def space_around_the_colon_is_ignored(bench: Bench) -> None:
    await understood(bench, by_name(lambda name, value: f"{name} \t:\t  {value}"))


@by_rfc(
    "SIP-SYNTAX-05",
    says="Headers that nobody knows are ignored.",
    clause="RFC 3261 8.2.2: headers that are not understood MUST be ignored",
)
async def unknown_headers_are_ignored(bench: Bench) -> None:
    headers = [("X-Unknown", '<<"\\'), ("Unheard-Of", ";;,,;;"), ("P-Empty", "")]
    call, call_id = await bench.ring(headers=headers)
    await (await bench.rest()).reject(call_id, 486)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 486, "the application's 486", f"{response.status} {response.reason}")


@by_rfc(
    "SIP-SYNTAX-06",
    says="Several Via values in one line are understood.",
    clause="RFC 3261 7.3.1: several values may stand in one line, separated by commas",
)
async def via_values_share_a_line(bench: Bench) -> None:
    further = "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKfurther"
    await understood(
        bench, by_name(lambda name, value: f"{name}: {value}, {further}" if name == "Via" else f"{name}: {value}")
    )


@by_rfc(
    "SIP-SYNTAX-07",
    says="A display name with quotes, brackets and commas is understood.",
    clause="RFC 3261 25.1: a quoted string may contain any of these",
)
async def odd_display_names_are_understood(bench: Bench) -> None:
    name = r'"Smith, \"J\" <sip:x@y>;tag=no" <sip:+14255550112@example.com>'
    call, call_id = await bench.ring(from_=name)
    await (await bench.rest()).reject(call_id, 486)
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 486, "the application's 486", f"{response.status} {response.reason}")


@recommended(
    "SIP-SYNTAX-08",
    says="An INVITE with Max-Forwards 0 rings.",
    clause="RFC 4475 3.3.11: who is the UAS processes a request with Max-Forwards 0",
)
async def max_forwards_zero_rings(bench: Bench) -> None:
    call, _ = await bench.ring(replace={"Max-Forwards": "0"})
    bench.expect(call.final_status is None, "a waiting call", call.final_status)


@by_rfc(
    "SIP-SYNTAX-09",
    says="Bytes behind the body of a datagram are ignored.",
    clause="RFC 3261 18.3: bytes beyond the end of the body MUST be discarded",
    needs=UDP,
)
async def rest_of_a_datagram_is_ignored(bench: Bench) -> None:
    await understood(bench, lambda message: message + b"\r\nrest" if message.startswith(b"INVITE") else message, "udp")


@by_rfc(
    "SIP-SYNTAX-10",
    says="A datagram without Content-Length is understood.",
    clause="RFC 3261 18.3: without Content-Length the body ends with the datagram",
    needs=UDP,
)
async def datagram_needs_no_length(bench: Bench) -> None:
    await understood(bench, lambda message: re.sub(rb"\r\nContent-Length: \d+", b"", message), "udp")


@by_rfc(
    "SIP-SYNTAX-11",
    says="Content-Length of each message is the size of its body.",
    clause="RFC 3261 20.14: the size of the body in bytes",
)
async def length_is_right(bench: Bench) -> None:
    call, call_id = await bench.connect("udp" if "udp" in bench.access.sip else None)
    await (await bench.rest()).hangup(call_id)
    await call.wait_for_request("BYE", timeout=bench.within.bye)
    for record in call.messages.received():
        body = record.raw.partition(b"\r\n\r\n")[2]
        length = record.message.headers.get("Content-Length")
        bench.expect(length == str(len(body)), f"Content-Length: {len(body)}", f"{record.summary} with {length}")


@by_rfc(
    "SIP-SYNTAX-12",
    says="An escaped letter in the Request-URI means the letter.",
    clause="RFC 3261 19.1.4: a character and its escape are the same",
)
async def escapes_in_the_uri_are_understood(bench: Bench) -> None:
    def escape(message: bytes) -> bytes:
        return re.sub(rb"\AINVITE sip:p", b"INVITE sip:%70", message)

    await understood(bench, escape)


@by_rfc(
    "SIP-REFUSAL-01",
    says="A method that is not served is refused with 405 or 501.",
    clause="RFC 3261 8.2.1 and 21.5.2",
    needs={"sip"},
    calls=0,
)
async def unknown_method_is_refused(bench: Bench) -> None:
    response = await answered(bench, "PUBLISH", [("Event", "presence")])
    bench.expect(response.code in (405, 501), "405 or 501", line(response))


@by_rfc(
    "SIP-REFUSAL-02",
    says="A 405 says in Allow which methods are served.",
    clause="RFC 3261 8.2.1: a 405 MUST have an Allow header",
    needs={"sip"},
    calls=0,
)
async def refusal_of_a_method_names_others(bench: Bench) -> None:
    response = await answered(bench, "PUBLISH", [("Event", "presence")])
    allowed = [method.upper() for method in split_list(response.headers.getlist("Allow"))]
    bench.expect(response.code != 405 or "INVITE" in allowed, "INVITE in Allow", allowed or "no Allow")


@by_rfc(
    "SIP-REFUSAL-03",
    says="An INVITE that requires an unknown extension is refused with 420.",
    clause="RFC 3261 8.2.2.3: 420 if an option tag is not supported",
)
async def unknown_extension_is_refused(bench: Bench) -> None:
    call = await bench.dial(headers=[("Require", "nothingSupportsThis")])
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 420, "420", f"{response.status} {response.reason}")


@by_rfc(
    "SIP-REFUSAL-04",
    says="A 420 names the unknown extension in Unsupported.",
    clause="RFC 3261 8.2.2.3: Unsupported lists what is not understood",
)
async def refusal_names_the_extension(bench: Bench) -> None:
    call = await bench.dial(headers=[("Require", "nothingSupportsThis")])
    response = await call.final_response(timeout=bench.within.answer)
    named = split_list(response.message.headers.getlist("Unsupported"))
    bench.expect(named == ["nothingSupportsThis"], "Unsupported: nothingSupportsThis", named or "none")


@by_rfc(
    "SIP-REFUSAL-05",
    says="An INVITE with a body of an unknown type is refused with 415.",
    clause="RFC 3261 8.2.3: 415 for a body whose type is not understood",
)
async def unknown_body_is_refused(bench: Bench) -> None:
    call = await bench.dial(replace={"Content-Type": "application/unheard-of"})
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 415, "415", f"{response.status} {response.reason}")


@by_rfc(
    "SIP-REFUSAL-06",
    says="A 415 names application/sdp in Accept.",
    clause="RFC 3261 8.2.3: a 415 for the type MUST have Accept",
)
async def refusal_of_a_body_names_sdp(bench: Bench) -> None:
    call = await bench.dial(replace={"Content-Type": "application/unheard-of"})
    response = await call.final_response(timeout=bench.within.answer)
    accepted = split_list(response.message.headers.getlist("Accept"))
    bench.expect("application/sdp" in accepted, "Accept: application/sdp", accepted or "none")


@recommended(
    "SIP-REFUSAL-07",
    says="A request to a URI of an unknown scheme is refused with 416.",
    clause="RFC 3261 8.2.2.1: 416 for an unknown scheme",
    needs={"sip"},
    calls=0,
)
async def unknown_scheme_is_refused(bench: Bench) -> None:
    uri = bench.access.sip[bench.transport]
    phone = await bench.phone(rewrites=lambda message: message.replace(b"OPTIONS sip:", b"OPTIONS nobody:", 1))
    response = await phone.request("OPTIONS", uri, timeout=bench.within.answer)
    bench.expect(response.code == 416, "416", line(response))


@recommended(
    "SIP-REFUSAL-08",
    says="A request of SIP/7.0 is refused with 505.",
    clause="RFC 4475 3.1.2.16: 505 for a version that is not spoken",
    needs={"sip"},
    calls=0,
)
async def unknown_version_is_refused(bench: Bench) -> None:
    uri = bench.access.sip[bench.transport]
    phone = await bench.phone(rewrites=lambda message: message.replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1))
    response = await phone.request("OPTIONS", uri, timeout=bench.within.answer)
    bench.expect(response.code == 505, "505", line(response))


@recommended(
    "SIP-REFUSAL-09",
    says="A request without a readable From is refused with 400.",
    clause="RFC 3261 21.4.1: 400 for malformed syntax",
    needs={"sip"},
    calls=0,
)
async def malformed_request_is_refused(bench: Bench) -> None:
    uri = bench.access.sip[bench.transport]
    phone = await bench.phone(rewrites=lambda message: re.sub(rb"\r\nFrom: <", b"\r\nFrom: <<", message))
    await phone.send_raw(uri, bytes(phone.compose("OPTIONS", uri, await phone.link_to(uri))))
    await phone.messages.wait_for("400", timeout=bench.within.answer)


@recommended(
    "SIP-REFUSAL-10",
    says="A datagram that is shorter than its Content-Length is refused with 400.",
    clause="RFC 3261 18.3: 400 where the datagram ends before the body",
    needs={"sip-udp"},
    calls=0,
)
async def short_datagram_is_refused(bench: Bench) -> None:
    phone = await bench.phone("udp", rewrites=lambda message: message.replace(b"Length: 0", b"Length: 9"))
    response = await phone.request("OPTIONS", bench.access.sip["udp"], timeout=bench.within.answer)
    bench.expect(response.code == 400, "400", line(response))


@by_rfc(
    "SIP-REFUSAL-11",
    says="A refusal outside of calls has a tag in To.",
    clause="RFC 3261 8.2.6.2: every response above 100 has a tag in To",
    needs={"sip"},
    calls=0,
)
async def refusal_tags_to(bench: Bench) -> None:
    response = await answered(bench, "PUBLISH", [("Event", "presence")])
    bench.expect(";tag=" in response.headers["To"], "a tag in To", response.headers["To"])


@requirement(
    "SIP-REFUSAL-12",
    level=Level.CHOICE,
    says="A Contact that names its transport twice is refused with 403.",
    evidence="OBS",
    clause="community.openai.com 1366408: 403 to every such INVITE; some phones write it so",
    needs=NEEDS,
)
async def contact_with_two_transports_is_refused(bench: Bench) -> None:
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    contact = phone.contact(link).replace(">", f";transport={link.transport}>")
    call = await bench.dial(replace={"Contact": contact})
    try:
        response = await call.final_response(timeout=bench.within.silence)
    except WaitTimeout:
        bench.note("it rings")
    bench.note(f"{response.status} {response.reason}")


@requirement(
    "SIP-REFUSAL-13",
    level=Level.CHOICE,
    says="A REGISTER is answered.",
    evidence="CHOICE",
    clause="nobody has shown the answer",
    needs={"sip"},
    calls=0,
)
async def register_is_answered(bench: Bench) -> None:
    bench.note(line(await answered(bench, "REGISTER")))


@recommended(
    "SIP-REFUSAL-14",
    says="An INVITE that accepts no application/sdp is refused with 406.",
    clause="RFC 4475 3.3.15: 406, since no body of a response would be acceptable",
)
async def unacceptable_answer_is_refused(bench: Bench) -> None:
    call = await bench.dial(headers=[("Accept", "text/nobody-knows")])
    response = await call.final_response(timeout=bench.within.answer)
    bench.expect(response.status == 406, "406", f"{response.status} {response.reason}")


@recommended(
    "SIP-REFUSAL-15",
    says="A REGISTER whose To is no SIP URI is refused with 400, or as every REGISTER is.",
    clause="RFC 4475 3.3.4: a registrar would reject it with 400; RFC 3261 10.2: the address of record is a SIP URI",
    needs={"sip"},
    calls=0,
)
async def odd_address_of_record_is_refused(bench: Bench) -> None:
    phone = await bench.phone(
        rewrites=lambda message: re.sub(rb"\r\nTo: <sip:[^>]*>", b"\r\nTo: <tel:+14155550123>", message)
    )
    uri = bench.access.sip[bench.transport]
    odd = await phone.request("REGISTER", uri, timeout=bench.within.answer)
    if odd.code != 400:
        usual = await answered(bench, "REGISTER")
        bench.expect(odd.code >= 300 and usual.code == odd.code, f"400, or {line(usual)}, a refusal", line(odd))
