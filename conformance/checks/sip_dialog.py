"""Dialogs: how they come about, what a request in them carries, and which requests belong to none."""

from functools import partial

from ..bench import Bench
from ..client.call import Call
from ..client.messages import Request, Response, branch_of, split_list, uri_of
from ..requirement import Level, requirement
from ..sources import rfc

NEEDS = {"rest", "sip", "webhooks"}
SDP = [("Content-Type", "application/sdp")]

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


def line(response: Response) -> str:
    return f"{response.code} {response.phrase}"


async def routes(bench: Bench) -> list[str]:
    """A Record-Route set through which requests come back to the phone itself."""
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    here = f"{phone.media_address(link)}:{link.local[1]};transport={link.transport};lr"
    return [f"<sip:edge@{here}>", f"<sip:core@{here};name=x>"]


async def hung_up(bench: Bench, call: Call, call_id: str) -> Request:
    """The BYE after a hangup by the application."""
    await (await bench.rest()).hangup(call_id)
    return (await call.wait_for_request("BYE", timeout=bench.within.bye)).message


async def reinvited(bench: Bench, call: Call, **replace: str) -> Response:
    response = await call.request(
        "INVITE", headers=SDP, body=call.invite.body, replace=replace, timeout=bench.within.answer
    )
    bench.expect(response.code == 200, "200 to a re-INVITE", line(response))
    return response


@by_rfc(
    "SIP-DIALOG-01",
    says="The 200 to an INVITE has one Contact, a SIP URI.",
    clause="RFC 3261 12.1.1: the response MUST have a Contact",
)
async def success_has_a_contact(bench: Bench) -> None:
    call, _ = await bench.connect()
    final = await call.final_response(timeout=bench.within.answer)
    contacts = split_list(final.message.headers.getlist("Contact"))
    bench.expect(len(contacts) == 1, "one Contact", contacts)
    bench.expect(uri_of(contacts[0]).lower().startswith(("sip:", "sips:")), "a SIP URI", contacts[0])


@requirement(
    "SIP-DIALOG-02",
    level=Level.OBSERVED,
    says="The Contact of the 200 has the user OAI.",
    evidence="OBS",
    clause="call captures of 2025 and 2026",
    needs=NEEDS,
)
async def contact_is_oai(bench: Bench) -> None:
    call, _ = await bench.connect()
    final = await call.final_response(timeout=bench.within.answer)
    contact = final.message.headers.get("Contact") or "no Contact"
    bench.expect(":OAI@" in contact, "sip:OAI@…", contact)


@by_rfc(
    "SIP-DIALOG-03",
    says="The 200 to an INVITE copies every Record-Route in order.",
    clause="RFC 3261 12.1.1: Record-Route values are copied into the response in their order",
)
async def success_copies_record_route(bench: Bench) -> None:
    route = await routes(bench)
    call, _ = await bench.connect(headers=[("Record-Route", each) for each in route])
    final = await call.final_response(timeout=bench.within.answer)
    copied = split_list(final.message.headers.getlist("Record-Route"))
    bench.expect(copied == route, f"Record-Route: {', '.join(route)}", copied)


@by_rfc(
    "SIP-DIALOG-04",
    says="A BYE carries the recorded routes in order.",
    clause="RFC 3261 12.2.1.1: the request takes the route set",
)
async def bye_follows_the_route(bench: Bench) -> None:
    route = await routes(bench)
    call, call_id = await bench.connect(headers=[("Record-Route", each) for each in route])
    bye = await hung_up(bench, call, call_id)
    taken = split_list(bye.headers.getlist("Route"))
    bench.expect(taken == route, f"Route: {', '.join(route)}", taken)


@by_rfc(
    "SIP-DIALOG-05",
    says="A BYE is sent to the Contact of the caller.",
    clause="RFC 3261 12.2.1.1: the Request-URI is the remote target",
)
async def bye_goes_to_the_contact(bench: Bench) -> None:
    call, call_id = await bench.connect()
    bye = await hung_up(bench, call, call_id)
    contact = uri_of(call.invite.headers["Contact"])
    bench.expect(str(bye.uri) == contact, f"BYE {contact}", f"BYE {bye.uri}")


@by_rfc(
    "SIP-DIALOG-06",
    says="A BYE has Max-Forwards and a branch by RFC 3261.",
    clause="RFC 3261 8.1.1: Max-Forwards, and a branch that begins with z9hG4bK",
)
async def bye_has_what_every_request_has(bench: Bench) -> None:
    call, call_id = await bench.connect()
    bye = await hung_up(bench, call, call_id)
    bench.expect((bye.headers.get("Max-Forwards") or "").isdigit(), "Max-Forwards", bye.headers.get("Max-Forwards"))
    bench.expect(branch_of(bye).startswith("z9hG4bK"), "a branch z9hG4bK…", branch_of(bye))
    bench.expect(bye.cseq.method == "BYE", "CSeq with BYE", bye.headers["CSeq"])


@by_rfc(
    "SIP-DIALOG-07",
    says="The BYE of the caller is answered with 200.",
    clause="RFC 3261 15.1.2: the UAS answers a BYE with 2xx",
)
async def bye_is_answered_with_200(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await call.request("BYE", timeout=bench.within.answer)
    bench.expect(response.code == 200, "200 to BYE", line(response))


@by_rfc(
    "SIP-DIALOG-08",
    says="A request in a call that is over is answered with 481.",
    clause="RFC 3261 12.2.2: a request that fits no dialog is refused with 481",
)
async def request_after_the_end_gets_481(bench: Bench) -> None:
    call, _ = await bench.connect()
    await call.request("BYE", timeout=bench.within.answer)
    response = await call.request("BYE", timeout=bench.within.answer)
    bench.expect(response.code == 481, "481", line(response))


@by_rfc(
    "SIP-DIALOG-09",
    says="A BYE with a wrong tag is answered with 481 and ends nothing.",
    clause="RFC 3261 12: a dialog is known by Call-ID and both tags",
)
async def bye_with_a_wrong_tag_gets_481(bench: Bench) -> None:
    call, _ = await bench.connect()
    phone = await bench.phone()
    uri = bench.access.sip[bench.transport]
    replace = {"Call-ID": call.id, "From": call.invite.headers["From"], "To": f"<{uri}>;tag=wrong"}
    stranger = phone.compose("BYE", uri, call.link, replace=replace)
    response = await phone.transact(stranger, call.link, timeout=bench.within.answer)
    bench.expect(response.code == 481, "481", line(response))
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200, "the call to go on", line(response))


@by_rfc(
    "SIP-DIALOG-10",
    says="A request with a lower CSeq than one before is answered with 500.",
    clause="RFC 3261 12.2.2: a request out of order is refused with 500",
)
async def lower_sequence_gets_500(bench: Bench) -> None:
    call, _ = await bench.connect()
    lower = call.invite.cseq.sequence - 1
    response = await call.request("OPTIONS", replace={"CSeq": f"{lower} OPTIONS"}, timeout=bench.within.answer)
    bench.expect(response.code == 500, "500", line(response))


@by_rfc(
    "SIP-DIALOG-11",
    says="A gap in CSeq is no error.",
    clause="RFC 3261 12.2.2: CSeq may be higher by more than one",
)
async def gap_in_the_sequence_is_fine(bench: Bench) -> None:
    call, _ = await bench.connect()
    higher = call.invite.cseq.sequence + 1000
    response = await call.request("OPTIONS", replace={"CSeq": f"{higher} OPTIONS"}, timeout=bench.within.answer)
    bench.expect(response.code == 200, "200", line(response))


@by_rfc(
    "SIP-DIALOG-12",
    says="A re-INVITE is answered with 200 and a Contact.",
    clause="RFC 3261 12.2.2 and 14.2: a 2xx to a target refresh has a Contact",
    link=rfc(3261, "14.2"),
)
async def reinvite_is_answered_with_a_contact(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await reinvited(bench, call)
    bench.expect(response.headers.get("Contact"), "a Contact", "none")


@by_rfc(
    "SIP-DIALOG-13",
    says="After a re-INVITE with a new Contact BYE goes there.",
    clause="RFC 3261 12.2.2: a re-INVITE replaces the remote target",
)
async def reinvite_moves_the_contact(bench: Bench) -> None:
    call, call_id = await bench.connect()
    moved = uri_of(call.invite.headers["Contact"]).replace("sip:phone@", "sip:moved@")
    await reinvited(bench, call, Contact=f"<{moved}>")
    bye = await hung_up(bench, call, call_id)
    bench.expect(str(bye.uri) == moved, f"BYE {moved}", f"BYE {bye.uri}")


@by_rfc(
    "SIP-DIALOG-14",
    says="A re-INVITE rings nobody again.",
    clause="RFC 3261 14: a re-INVITE modifies the session of its dialog",
)
async def reinvite_is_no_second_call(bench: Bench) -> None:
    call, _ = await bench.connect()
    second = bench.watch(bench.delivery_of(call, count=2))
    await reinvited(bench, call)
    bench.expect(await bench.nothing(second), "one webhook", "another one")


@by_rfc(
    "SIP-DIALOG-15",
    says="A re-INVITE with a hopeless offer is refused, and the call goes on.",
    clause="RFC 3261 14.1: after a refused re-INVITE the session is what it was",
)
async def refused_reinvite_changes_nothing(bench: Bench) -> None:
    call, _ = await bench.connect()
    offer = call.invite.body.replace(b"RTP/AVP 0 8 101", b"RTP/AVP 18").replace(b"a=rtpmap", b"a=x")
    response = await call.request("INVITE", headers=SDP, body=offer, timeout=bench.within.answer)
    bench.expect(400 <= response.code < 700, "a refusal", line(response))
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200 and not call.is_over, "the call to go on", line(response))


@by_rfc(
    "SIP-DIALOG-16",
    says="A BYE that comes again is answered with 200 again.",
    clause="RFC 3261 17.2.2: the final response is sent again",
    needs={"rest", "sip-udp", "webhooks"},
)
async def repeated_bye_gets_200_again(bench: Bench) -> None:
    call, _ = await bench.connect("udp")
    await call.request("BYE", timeout=bench.within.answer)
    sent = [each for each in call.messages if each.direction == "sent" and each.summary.startswith("BYE")]
    call.link.send(sent[0].raw)
    again = await call.messages.wait_for(
        "", where=lambda each: b" BYE\r\n" in each.raw, count=2, timeout=bench.within.answer
    )
    bench.expect(again.summary.startswith("200"), "200 again", again.summary)


@by_rfc(
    "SIP-DIALOG-17",
    says="A BYE for a call that never was is answered with 481.",
    clause="RFC 3261 12.2.2: without a dialog 481",
    needs={"sip"},
    calls=0,
)
async def bye_without_a_call_gets_481(bench: Bench) -> None:
    phone = await bench.phone()
    uri = bench.access.sip[bench.transport]
    response = await phone.request("BYE", uri, replace={"To": f"<{uri}>;tag=none"}, timeout=bench.within.answer)
    bench.expect(response.code == 481, "481", line(response))


@choice("SIP-DIALOG-18", says="UPDATE and INFO in a call are answered.", clause="asked in public, never answered")
async def update_and_info(bench: Bench) -> None:
    call, _ = await bench.connect()
    update = await call.request("UPDATE", timeout=bench.within.answer)
    info = await call.request("INFO", timeout=bench.within.answer)
    bench.note(f"UPDATE: {line(update)}, INFO: {line(info)}")


@choice(
    "SIP-DIALOG-19",
    says="A session timer that the caller offers is taken up or left.",
    clause="RFC 4028; asked in public, never answered",
)
async def session_timer(bench: Bench) -> None:
    call, _ = await bench.connect(headers=[("Supported", "timer"), ("Session-Expires", "1800")])
    final = await call.final_response(timeout=bench.within.answer)
    bench.note(f"Session-Expires: {final.message.headers.get('Session-Expires') or 'none'}")
