"""OPTIONS: the way by which trunks see whether somebody is there."""

from functools import partial

from ..bench import Bench
from ..client.errors import ClientError
from ..client.messages import Response, split_list, tag_of
from ..requirement import Level, requirement

NEEDS = {"sip"}

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


async def probed(bench: Bench, transport: str | None = None) -> Response:
    transport = transport or bench.transport
    phone = await bench.phone(transport)
    return await phone.request("OPTIONS", bench.access.sip[transport], timeout=bench.within.answer)


def values(response: Response, name: str) -> list[str]:
    return [value.lower() for value in split_list(response.headers.getlist(name))]


@by_rfc(
    "SIP-OPTIONS-01",
    says="An OPTIONS is answered with 200.",
    clause="RFC 3261 11.2: the status that an INVITE would get",
    calls=0,
)
async def options_is_answered_with_200(bench: Bench) -> None:
    response = await probed(bench)
    bench.expect(response.code == 200, "200", f"{response.code} {response.phrase}")


@recommended(
    "SIP-OPTIONS-02",
    says="The answer to OPTIONS names INVITE, ACK, CANCEL and BYE in Allow.",
    clause="RFC 3261 11.2: Allow should be present",
    calls=0,
)
async def answer_names_methods(bench: Bench) -> None:
    allowed = values(await probed(bench), "Allow")
    missing = {"invite", "ack", "cancel", "bye"} - set(allowed)
    bench.expect(not missing, "INVITE, ACK, CANCEL and BYE in Allow", allowed or "no Allow")


@recommended(
    "SIP-OPTIONS-03",
    says="The answer to OPTIONS names application/sdp in Accept.",
    clause="RFC 3261 11.2: Accept should be present",
    calls=0,
)
async def answer_names_sdp(bench: Bench) -> None:
    accepted = values(await probed(bench), "Accept")
    bench.expect("application/sdp" in accepted, "application/sdp in Accept", accepted or "no Accept")


@recommended(
    "SIP-OPTIONS-04",
    says="The answer to OPTIONS has a Supported header.",
    clause="RFC 3261 11.2: Supported should be present",
    calls=0,
)
async def answer_names_extensions(bench: Bench) -> None:
    response = await probed(bench)
    bench.expect(response.headers.get("Supported") is not None, "Supported, if only an empty one", "none")


@by_rfc(
    "SIP-OPTIONS-05",
    says="The answer to OPTIONS adds a tag to To.",
    clause="RFC 3261 8.2.6.2: a tag in To",
    calls=0,
)
async def answer_tags_to(bench: Bench) -> None:
    to = (await probed(bench)).headers["To"]
    bench.expect(tag_of(to), "a tag in To", to)


@by_rfc(
    "SIP-OPTIONS-06",
    says="An OPTIONS that comes again gets its response again, unchanged.",
    clause="RFC 3261 17.2.2: the final response is sent again",
    needs={"sip-udp"},
    calls=0,
)
async def repeated_options_gets_the_same_again(bench: Bench) -> None:
    await probed(bench, "udp")
    phone = await bench.phone("udp")
    request, first = phone.messages[0], phone.messages.received()[0]
    await phone.send_raw(bench.access.sip["udp"], request.raw)
    again = await phone.messages.wait_for("200", count=2, timeout=bench.within.answer)
    bench.expect(again.raw == first.raw, "the same response", again.raw[:500])


@by_rfc(
    "SIP-OPTIONS-07",
    says="An OPTIONS does not ring.",
    clause="RFC 3261 11: OPTIONS asks without ringing",
    needs={"sip", "webhooks", "isolation"},
    calls=0,
)
async def options_rings_nobody(bench: Bench) -> None:
    ringing = bench.watch(bench.receiver.wait_for(None, timeout=bench.within.webhook))
    await probed(bench)
    bench.expect(await bench.nothing(ringing), "no webhook", "one")


@by_rfc(
    "SIP-OPTIONS-08",
    says="An OPTIONS in a call is answered with 200 and leaves the call alone.",
    clause="RFC 3261 11.2: an OPTIONS in a dialog is answered like one outside",
    needs={"rest", "sip", "webhooks"},
)
async def options_in_a_call(bench: Bench) -> None:
    call, _ = await bench.connect()
    for _ in range(2):
        response = await call.request("OPTIONS", timeout=bench.within.answer)
        bench.expect(response.code == 200, "200", f"{response.code} {response.phrase}")
    bench.expect(not call.is_over, "the call to go on", f"its end by the {call.ended_by}")


@requirement(
    "SIP-OPTIONS-09",
    level=Level.CHOICE,
    says="An OPTIONS for an unknown project is answered with 200.",
    evidence="CHOICE",
    clause="nobody has shown the answer",
    needs=NEEDS,
    calls=0,
)
async def options_for_an_unknown_project(bench: Bench) -> None:
    user, at, rest = bench.access.sip[bench.transport].partition("@")
    phone = await bench.phone()
    try:
        response = await phone.request("OPTIONS", f"{user}unknown{at}{rest}", timeout=bench.within.answer)
    except ClientError as error:
        bench.note(f"no answer: {error}")
    bench.note(f"{response.code} {response.phrase}")
