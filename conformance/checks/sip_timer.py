"""Session timers (RFC 4028), as either side."""

from functools import partial

from ..bench import Bench
from ..client import sdp
from ..client.call import Call
from ..client.errors import CallRefused, FarEndError, WaitTimeout
from ..client.messages import Response
from ..client.records import ReceivedRequest
from ..requirement import Level, requirement

NEEDS = {"rest", "sip", "webhooks", "sip-timer"}
SUPPORTED = ("Supported", "timer")

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs={*NEEDS, "clock"})


async def timed(bench: Bench, asked: str) -> tuple[Call, Response]:
    """An answered call with a session timer, and its 200."""
    call, _ = await bench.connect(headers=[SUPPORTED, ("Session-Expires", asked)])
    return call, (await call.final_response(timeout=bench.within.answer)).message


@by_rfc(
    "SIP-TIMER-01",
    says="A session timer that the caller asks for is in the 200, with a refresher.",
    clause="RFC 4028 9: the UAS MUST set the value of the refresher parameter in the 2xx",
)
async def timer_is_agreed(bench: Bench) -> None:
    _, final = await timed(bench, "1800;refresher=uac")
    value = final.headers.get("Session-Expires") or "none"
    bench.expect("refresher=uac" in value, "Session-Expires with refresher=uac", value)
    bench.expect(value.partition(";")[0].strip().isdigit(), "a number of seconds", value)


@by_rfc(
    "SIP-TIMER-02",
    says="A 200 that makes the caller refresh requires timer.",
    clause="RFC 4028 9: with refresher=uac the UAS MUST place Require: timer into the response",
)
async def timer_is_required(bench: Bench) -> None:
    _, final = await timed(bench, "1800;refresher=uac")
    bench.expect("timer" in (final.headers.get("Require") or ""), "Require: timer", final.headers.get("Require"))


@by_rfc(
    "SIP-TIMER-03",
    says="Who refuses a session interval as too small says Min-SE.",
    clause="RFC 4028 9: the 422 MUST contain a Min-SE header field",
)
async def short_interval_names_the_least(bench: Bench) -> None:
    call = await bench.dial(headers=[SUPPORTED, ("Session-Expires", "10")])
    try:
        final = await call.final_response(timeout=bench.within.answer)
    except (WaitTimeout, CallRefused, FarEndError) as error:
        bench.fail("422", error)
    bench.expect(final.status == 422, "422", final.status)
    least = final.message.headers.get("Min-SE") or "none"
    bench.expect(least.isdigit() and int(least) >= 90, "Min-SE of 90 or more", least)


@by_rfc(
    "SIP-TIMER-04",
    says="A refresh by UPDATE gets the session timer again.",
    clause="RFC 4028 9: each 2xx to a session refresh request that asks for it has Session-Expires",
    needs={*NEEDS, "sip-update"},
)
async def refresh_is_answered(bench: Bench) -> None:
    call, _ = await timed(bench, "1800;refresher=uac")
    asked = [SUPPORTED, ("Session-Expires", "1800;refresher=uac")]
    response = await call.request("UPDATE", headers=asked, timeout=bench.within.answer)
    value = response.headers.get("Session-Expires") or "none"
    bench.expect(response.code == 200 and value.startswith("1800"), "200, Session-Expires: 1800", value)


@recommended(
    "SIP-TIMER-05",
    says="A refresher refreshes at half of the interval.",
    clause="RFC 4028 10: it is RECOMMENDED that the refresh is sent at half of the interval",
)
async def far_end_refreshes(bench: Bench) -> None:
    call, final = await timed(bench, "90;refresher=uas")
    value = final.headers.get("Session-Expires") or ""
    bench.expect("refresher=uas" in value, "refresher=uas", value)
    await bench.clock.advance(46.0)
    try:
        await call.wait_for_request("UPDATE", timeout=bench.within.answer)
    except (WaitTimeout, FarEndError) as error:
        bench.fail("a refresh", error)


@recommended(
    "SIP-TIMER-07",
    says="A session of a caller who takes no UPDATE is refreshed by re-INVITE with an offer.",
    clause="RFC 4028 7.4: without UPDATE in Allow the refresh is a re-INVITE, whose offer is that of before",
)
async def far_end_refreshes_by_invite(bench: Bench) -> None:
    asked = [SUPPORTED, ("Session-Expires", "90;refresher=uas")]
    call, _ = await bench.connect(headers=asked, replace={"Allow": "INVITE, ACK, CANCEL, BYE, REFER"})
    await bench.clock.advance(46.0)
    refresh = await refreshed(bench, call, "INVITE")
    bench.expect(b"m=audio" in refresh.message.body, "an offer", refresh.message.body)


@requirement(
    "SIP-TIMER-10",
    level=Level.SHOULD,
    says="A re-INVITE that refreshes a call in Opus offers Opus first.",
    evidence="RFC",
    clause="RFC 4028 7.4: the offer of a refresh should be the session as it is",
    needs={*NEEDS, "clock", "opus"},
)
async def refresh_keeps_the_codec(bench: Bench) -> None:
    asked = [SUPPORTED, ("Session-Expires", "90;refresher=uas")]
    call, _ = await bench.connect(
        headers=asked, replace={"Allow": "INVITE, ACK, CANCEL, BYE, REFER"}, codecs=("opus", "PCMU")
    )
    await bench.clock.advance(46.0)
    offer = (await refreshed(bench, call, "INVITE")).message.body
    [audio] = [media for media in sdp.parse(offer).media if media.kind == "audio"]
    named = dict(line.removeprefix("rtpmap:").split(" ", 1) for line in audio.attributes if line.startswith("rtpmap:"))
    first = named.get(audio.formats[0], audio.formats[0])
    bench.expect(first.lower().startswith("opus/"), "opus/48000/2 first", first)


@recommended(
    "SIP-TIMER-08",
    says="A refresh by UPDATE that gets 405 is done again by re-INVITE.",
    clause="RFC 4028 7.4: UPDATE is for who is known to take it; RFC 3261 21.4.6: 405 says that this one does not",
)
async def refused_update_becomes_invite(bench: Bench) -> None:
    call, _ = await timed(bench, "90;refresher=uas")
    call.planned["UPDATE"] = [405]
    await bench.clock.advance(46.0)
    await refreshed(bench, call, "UPDATE")
    await refreshed(bench, call, "INVITE")


@recommended(
    "SIP-TIMER-09",
    says="A refresh by re-INVITE that gets 491 is tried again within two seconds.",
    clause="RFC 3261 14.1: after a 491 who did not make the Call-ID tries again within 0 to 2 seconds",
)
async def glare_is_tried_again(bench: Bench) -> None:
    asked = [SUPPORTED, ("Session-Expires", "90;refresher=uas")]
    call, _ = await bench.connect(headers=asked, replace={"Allow": "INVITE, ACK, CANCEL, BYE, REFER"})
    call.planned["INVITE"] = [491]
    await bench.clock.advance(46.0)
    await refreshed(bench, call, "INVITE")
    await bench.clock.advance(2.1)
    await refreshed(bench, call, "INVITE", status=200)


async def refreshed(bench: Bench, call: Call, method: str, status: int | None = None) -> ReceivedRequest:
    """The first refresh by that method, that was answered so."""

    def found() -> ReceivedRequest | None:
        hits = [each for each in call.requests if each.method == method and status in (None, each.status)]
        return hits[0] if hits else None

    try:
        return await call.watch.until(found, timeout=bench.within.answer, what=f"refresh by {method}")
    except (WaitTimeout, FarEndError) as error:
        bench.fail(f"a refresh by {method}", error)


@recommended(
    "SIP-TIMER-06",
    says="A session that the caller does not refresh is ended by BYE.",
    clause="RFC 4028 10: without a refresh before the expiration a BYE is sent",
)
async def unrefreshed_session_ends(bench: Bench) -> None:
    call, _ = await timed(bench, "90;refresher=uac")
    await bench.clock.advance(91.0)
    try:
        await call.wait_for_request("BYE", timeout=bench.within.bye)
    except (WaitTimeout, FarEndError) as error:
        bench.fail("a BYE", error)
