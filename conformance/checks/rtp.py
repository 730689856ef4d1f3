"""RTP of the far end, packet by packet: numbers, pace, and when it starts and stops."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from random import Random

from ..bench import Bench
from ..client.call import Call
from ..client.media import MediaSession
from ..client.messages import Response
from ..client.rtp import PacketSeen
from ..requirement import Level, requirement
from ..sources import rfc

NEEDS = {"rest", "sip", "webhooks"}
HEADER = 12
UNKNOWN_PAYLOAD_TYPE = 99
BURST = 25
"""Packets that are looked at: half a second."""

by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


async def packets(bench: Bench, call: Call, count: int = BURST, *, after: int = 0) -> list[PacketSeen]:
    """So many packets of the far end, without the first `after`."""

    def enough() -> list[PacketSeen] | None:
        receiver = call.media.receiver
        seen = [] if receiver is None else receiver.packets[after:]
        return seen if len(seen) >= count else None

    return await call.watch.until(enough, timeout=bench.within.event, what=f"{count} RTP packets")


async def streaming(bench: Bench) -> list[PacketSeen]:
    """The first half second of an answered call."""
    call, _ = await bench.connect()
    return await packets(bench, call)


async def nothing_more(bench: Bench, call: Call) -> bool:
    """Whether no packet comes any more. What is on its way arrives during one more exchange."""
    phone = await bench.phone()
    await phone.request("OPTIONS", bench.access.sip[bench.transport], timeout=bench.within.answer)
    receiver = call.media.receiver
    after = 0 if receiver is None else len(receiver.packets)
    return await bench.nothing(bench.watch(packets(bench, call, 1, after=after)))


async def left(bench: Bench, call: Call) -> Response:
    """The caller's BYE, after which the phone listens on."""
    if call.dialog is None:
        bench.fail("a dialog", "none")
    phone = await bench.phone()
    bye = call.dialog.request("BYE", via=phone.via(call.link))
    return await phone.transact(bye, call.link, timeout=bench.within.answer)


def steps(seen: list[PacketSeen]) -> list[tuple[int, int]]:
    """By how much sequence number and timestamp grow from packet to packet, where nobody begins to talk."""
    return [
        ((new.sequence - old.sequence) & 0xFFFF, (new.timestamp - old.timestamp) & 0xFFFFFFFF)
        for old, new in pairwise(seen)
        if not new.marker
    ]


@by_rfc(
    "RTP-HEADER-01",
    says="Everything that comes to the media port is RTP version 2.",
    clause="RFC 3550 5.1: the version is two",
)
async def version_is_two(bench: Bench) -> None:
    call, _ = await bench.connect()
    await packets(bench, call)
    receiver = call.media.receiver
    strange = 0 if receiver is None else receiver.counts.garbage
    bench.expect(strange == 0, "nothing but RTP version 2", f"{strange} other datagrams")


@by_rfc(
    "RTP-HEADER-02",
    says="Each packet has a payload type that was negotiated.",
    clause="RFC 3264 5.1: payload type numbers are those that the offerer expects",
)
async def payload_type_is_negotiated(bench: Bench) -> None:
    call, _ = await bench.connect()
    answer = await call.answered(timeout=bench.within.answer)
    seen = {packet.payload_type for packet in await packets(bench, call)}
    known = {*answer.codecs, answer.dtmf_payload_type}
    bench.expect(seen <= known, f"payload types out of {known}", seen)


@by_rfc(
    "RTP-HEADER-03",
    says="The SSRC stays the same during a call.",
    clause="RFC 3550 3: the packets of a source share one SSRC, numbering and clock",
)
async def ssrc_is_constant(bench: Bench) -> None:
    seen = {packet.ssrc for packet in await streaming(bench)}
    bench.expect(len(seen) == 1, "one SSRC", seen)


@by_rfc(
    "RTP-HEADER-04",
    says="The sequence number grows by one from packet to packet.",
    clause="RFC 3550 5.1: the sequence number grows by one for each packet",
)
async def sequence_grows_by_one(bench: Bench) -> None:
    grown = [sequence for sequence, _ in steps(await streaming(bench))]
    # The network may lose or swap a packet, so a tenth is forgiven.
    bench.expect(grown.count(1) >= 0.9 * len(grown), "steps of one", grown)


@by_rfc(
    "RTP-HEADER-05",
    says="The timestamp grows by the number of samples in between.",
    clause="RFC 3550 5.1 and RFC 3551 4.5.14: the clock counts samples",
    link=rfc(3551, "4.5.14"),
)
async def timestamp_counts_samples(bench: Bench) -> None:
    seen = await streaming(bench)
    samples = seen[0].size - HEADER
    wrong = [step for step in steps(seen) if step[1] != step[0] * samples]
    bench.expect(len(wrong) <= len(seen) // 10, f"{samples} for each packet of {samples} samples", wrong)


@by_rfc(
    "RTP-HEADER-06",
    says="Two calls have different SSRCs.",
    clause="RFC 3550 5.1 and 8.1: SSRC is chosen at random",
    link=rfc(3550, "8.1"),
    calls=2,
)
async def ssrc_is_random(bench: Bench) -> None:
    one, two = (await streaming(bench))[0], (await streaming(bench))[0]
    bench.expect(one.ssrc != two.ssrc, "two SSRCs", f"twice {one.ssrc}")


@recommended(
    "RTP-HEADER-07",
    says="Sequence number and timestamp begin at random.",
    clause="RFC 3550 5.1: sequence number and timestamp should begin at random",
    calls=2,
)
async def numbers_begin_at_random(bench: Bench) -> None:
    one, two = (await streaming(bench))[0], (await streaming(bench))[0]
    bench.expect(one.timestamp != two.timestamp, "two first timestamps", f"twice {one.timestamp}")
    bench.expect(one.sequence != two.sequence or one.sequence > 1, "random numbers", f"twice {one.sequence}")


@recommended(
    "RTP-HEADER-08",
    says="The first packet of a call has the marker.",
    clause="RFC 3551 4.1: the first packet of a talkspurt has the marker",
)
async def first_packet_has_the_marker(bench: Bench) -> None:
    first = (await streaming(bench))[0]
    bench.expect(first.marker, "the marker in the first packet", "none")


@recommended(
    "RTP-PACE-01",
    says="Packets have the length that ptime asks for: 20 ms.",
    clause="RFC 8866 6.4: ptime is what the other side prefers to receive",
)
async def packets_are_of_20_ms(bench: Bench) -> None:
    sizes = {packet.size - HEADER for packet in await streaming(bench)}
    bench.expect(sizes == {160}, "160 bytes a packet", sizes)


@recommended(
    "RTP-PACE-02",
    says="Packets come at the pace of their timestamps, on average.",
    clause="RFC 3550 5.1: timestamps follow the clock of the sampling",
)
async def packets_come_at_their_pace(bench: Bench) -> None:
    call, _ = await bench.connect()
    seen = (await packets(bench, call, 2 * BURST))[1:]
    real = seen[-1].at - seen[0].at
    counted = ((seen[-1].timestamp - seen[0].timestamp) & 0xFFFFFFFF) / 8000
    # A stall of the machine at one of both ends is forgiven, not a pace that is wrong by a third.
    bench.expect(abs(real - counted) < counted / 3, f"{counted:.2f} s", f"{real:.2f} s")


@recommended(
    "RTP-PACE-03",
    says="Packets have the length that the ptime of an offer asks for, from 10 to 60 ms.",
    clause="RFC 8866 6.4: ptime is what the other side prefers to receive; RFC 3551 4.2: receivers take up to 200 ms",
)
async def packets_follow_the_wish(bench: Bench) -> None:
    call, _ = await bench.connect()
    for ptime_ms in (10, 30, 40, 50, 60):
        answer = await call.reoffer(rewrite=_wishing(ptime_ms), timeout=bench.within.answer)
        bench.expect(answer.code == 200, "200 to the re-INVITE", f"{answer.code} {answer.phrase}")
        await call.watch.until(
            _all_of(call, HEADER + 8 * ptime_ms), timeout=bench.within.event, what=f"packets of {ptime_ms} ms"
        )


def _wishing(ptime_ms: int) -> Callable[[bytes], bytes]:
    return lambda offer: offer.replace(b"a=ptime:20", f"a=ptime:{ptime_ms}".encode())


def _all_of(call: Call, size: int) -> Callable[[], bool]:
    """Whether the last three packets had that size."""

    def found() -> bool:
        receiver = call.media.receiver
        last = [] if receiver is None else receiver.packets[-3:]
        return [packet.size for packet in last] == 3 * [size]

    return found


@requirement(
    "RTP-FLOW-01",
    level=Level.OBSERVED,
    says="RTP flows as soon as the call is answered.",
    evidence="OBS",
    clause="carriers drop calls without media; the service was seen to send at once",
    needs=NEEDS,
)
async def media_starts_with_the_answer(bench: Bench) -> None:
    call, _ = await bench.connect()
    await packets(bench, call, 1)


@by_rfc(
    "RTP-FLOW-02",
    says="RTP stops when the caller has hung up.",
    clause="RFC 3261 15.1.2: whoever receives a BYE stops sending media",
)
async def media_stops_with_the_call(bench: Bench) -> None:
    call, _ = await bench.connect()
    await packets(bench, call, 3)
    await left(bench, call)
    bench.expect(await nothing_more(bench, call), "no RTP after BYE", "more of it")


@recommended(
    "RTP-FLOW-03",
    says="RTP comes from the address and port in the answer.",
    clause="RFC 4961 4: RTP is sent from the port where it is received",
)
async def media_is_symmetric(bench: Bench) -> None:
    call, _ = await bench.connect()
    answer = await call.answered(timeout=bench.within.answer)
    sources = {packet.source for packet in await packets(bench, call, 5)}
    expected = (answer.address, answer.port)
    bench.expect(sources == {expected}, f"RTP from {expected}", sources)


@requirement(
    "RTP-FLOW-04",
    level=Level.CHOICE,
    says="RTP goes to where the caller's RTP comes from, whatever its SDP says.",
    evidence="CHOICE",
    clause="RFC 7362; nobody has shown it",
    needs=NEEDS,
)
async def media_finds_the_caller_behind_nat(bench: Bench) -> None:
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    here = phone.media_address(link).encode()
    call, _ = await bench.connect(offer=lambda sdp: sdp.replace(b"IP4 " + here, b"IP4 192.0.2.77"))
    stays_away = await bench.nothing(bench.watch(packets(bench, call, 3)))
    bench.note("RTP stays with the SDP" if stays_away else "RTP follows the caller's")


@by_rfc(
    "RTP-FLOW-05",
    says="Packets of a payload type that was not negotiated are ignored.",
    clause="RFC 3550 5.1: packets with an unknown payload type MUST be ignored",
    needs=NEEDS | {"sideband", "tonecode"},
)
async def unknown_payload_is_ignored(bench: Bench) -> None:
    call, call_id = await bench.connect()
    sideband = await bench.attach(call_id)
    call.media.impairs = lambda packet: [packet[:1] + bytes((packet[1] & 0x80 | UNKNOWN_PAYLOAD_TYPE,)) + packet[2:]]
    heard = bench.watch(sideband.wait_for("input_audio_buffer.speech_started", timeout=bench.within.speech))
    await call.say("hello")
    bench.expect(await bench.nothing(heard), "nothing to be heard", "speech")


@recommended(
    "RTP-FLOW-06",
    says="Garbage on the media port does not end the call.",
    clause="RFC 3550 A.1: what is no valid RTP is discarded",
)
async def garbage_is_discarded(bench: Bench) -> None:
    call, _ = await bench.connect()
    call.media.impairs = lambda packet: (b"", b"\0", packet[:11], b"\xff" * 40, b"\x00\x01\x00\x00" + packet[4:])
    await packets(bench, call)
    response = await call.request("OPTIONS", timeout=bench.within.answer)
    bench.expect(response.code == 200 and not call.is_over, "the call to go on", response.code)


@recommended(
    "RTP-RTCP-01",
    says="A sender report comes within eight seconds.",
    clause="RFC 3550 6.2: reports every five seconds, give or take half of it",
    needs=NEEDS | {"clock"},
)
async def sender_report_comes(bench: Bench) -> None:
    phone = await bench.phone()
    link = await phone.link_to(bench.access.sip[bench.transport])
    reports = await MediaSession.open(phone.media_address(link), port_range=None, rng=Random(), changed=lambda: None)
    try:
        await bench.connect(offer=lambda sdp: sdp + b"a=rtcp:%d\r\n" % reports.port)  # RFC 3605
        await bench.clock.advance(8.0)
        await phone.request("OPTIONS", bench.access.sip[bench.transport], timeout=bench.within.answer)
        kinds = [data[1] for data, _ in reports.early if len(data) > 1]
    finally:
        reports.stop()
    bench.expect(200 in kinds, "a sender report (200)", kinds or "no RTCP")
