"""Offers inside a call by other ways than a plain re-INVITE: UPDATE, none at all, and two at a time."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client import sdp
from ..client.call import Call
from ..client.messages import Response, split_list
from ..requirement import Level, requirement
from .rtp import nothing_more, packets
from .sdp import direction

NEEDS = {"rest", "sip", "webhooks"}
WITH_UPDATE = {*NEEDS, "sip-update"}

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)


def line(response: Response) -> str:
    return f"{response.code} {response.phrase}"


async def goes_on(bench: Bench, call: Call) -> None:
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200 and not call.is_over, "the call to go on", line(response))


async def updated(bench: Bench, call: Call, direction: str = "sendrecv", **options: Any) -> Response:
    response = await call.reoffer(direction, method="UPDATE", timeout=bench.within.answer, **options)
    bench.expect(response.code == 200, "200 to an UPDATE", line(response))
    return response


async def with_open_offer(bench: Bench) -> Call:
    """A call in which the far end has made an offer that nobody has answered yet."""
    call, _ = await bench.connect()
    call.acknowledges = False
    response = await call.request("INVITE", timeout=bench.within.answer)
    bench.expect(response.code == 200 and response.body, "200 with an offer to a re-INVITE without", line(response))
    return call


@by_rfc(
    "SIP-OFFER-01",
    says="An offer by UPDATE is answered in its 200.",
    clause="RFC 3311 5.2: a 2xx to an UPDATE with an offer contains the answer",
    needs=WITH_UPDATE,
)
async def update_is_answered(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await updated(bench, call, "sendonly")
    answered = direction(sdp.parse(response.body))
    bench.expect(answered in ("recvonly", "inactive"), "an answer to sendonly", answered)


@by_rfc(
    "SIP-OFFER-02",
    says="A caller who holds the call by UPDATE receives no RTP.",
    clause="RFC 3311 5.2 and RFC 3264 8.4: the session is what the last exchange says",
    needs=WITH_UPDATE,
)
async def update_holds(bench: Bench) -> None:
    call, _ = await bench.connect()
    await packets(bench, call, 3)
    await updated(bench, call, "inactive")
    bench.expect(await nothing_more(bench, call), "no RTP while held", "RTP")


@by_rfc(
    "SIP-OFFER-03",
    says="An UPDATE without an offer is answered with 200 and no SDP.",
    clause="RFC 3311 5.2: an answer only where there was an offer; the dialog is refreshed",
    needs=WITH_UPDATE,
)
async def empty_update_refreshes(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await call.request("UPDATE", timeout=bench.within.answer)
    bench.expect(response.code == 200, "200", line(response))
    bench.expect(not response.body, "no SDP", response.body[:100])


@by_rfc(
    "SIP-OFFER-04",
    level=Level.SHOULD,
    says="The Allow of the 200 to an INVITE lists UPDATE.",
    clause="RFC 3311 5.1: Allow tells the other side that UPDATE can be used",
    needs=WITH_UPDATE,
)
async def update_is_allowed(bench: Bench) -> None:
    call, _ = await bench.connect()
    final = await call.final_response(timeout=bench.within.answer)
    allowed = split_list(final.message.headers.getlist("Allow"))
    bench.expect("UPDATE" in allowed, "UPDATE in Allow", allowed)


@by_rfc(
    "SIP-OFFER-05",
    says="An UPDATE with a hopeless offer is refused, and the call goes on.",
    clause="RFC 3311 5.2: 488 when the offer can't be accepted; the session is what it was",
    needs=WITH_UPDATE,
)
async def hopeless_update_is_refused(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await call.reoffer(
        method="UPDATE",
        rewrite=lambda offer: offer.replace(b"RTP/AVP 0 8 101", b"RTP/AVP 18").replace(b"a=rtpmap", b"a=x"),
        timeout=bench.within.answer,
    )
    bench.expect(400 <= response.code < 700, "a refusal", line(response))
    await goes_on(bench, call)


@by_rfc(
    "SIP-OFFER-06",
    says="The 200 to a re-INVITE without an offer has one.",
    clause="RFC 3261 14.2: without an offer in the re-INVITE the 2xx carries one",
)
async def empty_reinvite_gets_an_offer(bench: Bench) -> None:
    call, _ = await bench.connect()
    response = await call.request("INVITE", timeout=bench.within.answer)
    bench.expect(response.code == 200, "200", line(response))
    bench.expect(response.body.startswith(b"v=0"), "an offer", response.body[:100])


@by_rfc(
    "SIP-OFFER-07",
    says="The answer in the ACK to a re-INVITE decides the codec.",
    clause="RFC 3261 13.2.2.4: the answer to an offer in a 2xx is in its ACK",
)
async def answer_in_the_ack_counts(bench: Bench) -> None:
    call, _ = await bench.connect()
    await packets(bench, call, 3)
    await call.ask_for_offer(codecs=("PCMA",), timeout=bench.within.answer)

    def is_changed() -> bool:
        receiver = call.media.receiver
        return receiver is not None and any(packet.payload_type == 8 for packet in receiver.packets)

    await call.watch.until(is_changed, timeout=bench.within.event, what="RTP in the codec of the answer, PCMA")


@by_rfc(
    "SIP-OFFER-08",
    says="An UPDATE with an offer gets 491 while an offer of the far end is open.",
    clause="RFC 3311 5.2: 491 while the UAS waits for the answer to an offer of its own",
    needs=WITH_UPDATE,
)
async def crossing_update_gets_491(bench: Bench) -> None:
    call = await with_open_offer(bench)
    response = await call.reoffer(method="UPDATE", timeout=bench.within.answer)
    bench.expect(response.code == 491, "491", line(response))
    call.acknowledge()


@by_rfc(
    "SIP-OFFER-09",
    says="A re-INVITE with an offer is not accepted while an offer of the far end is open.",
    clause="RFC 3264 4: no new offer before the one before it was answered",
)
async def crossing_reinvite_is_refused(bench: Bench) -> None:
    call = await with_open_offer(bench)
    response = await call.reoffer(timeout=bench.within.answer)
    bench.expect(response.code in (491, 500), "491", line(response))
    call.acknowledge()
    await goes_on(bench, call)
