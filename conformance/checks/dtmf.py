"""DTMF: keys that the caller presses, as events of the session."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..bench import Bench
from ..client.call import Call
from ..client.dtmf import DIGITS
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from ..sources import SPEC

NEEDS = {"rest", "sip", "webhooks", "dtmf", "sideband"}
CLAUSE = "OpenAPI, schema RealtimeServerEventInputAudioBufferDtmfEventReceived"
EVENT = "input_audio_buffer.dtmf_event_received"
SHORT_MS = 40
"""ITU-T Q.24: the shortest press that has to be heard."""
DAY = 86_400.0

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
by_rfc = partial(requirement, level=Level.MUST, evidence="RFC", needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


async def listening(bench: Bench, **options: Any) -> tuple[Call, Sideband]:
    """An answered call in which keys can be pressed, and its sideband."""
    call, call_id = await bench.connect(**options)
    answer = await call.answered(timeout=bench.within.answer)
    bench.expect(answer.dtmf_payload_type is not None, "telephone-event in the answer", answer)
    return call, await bench.attach(call_id)


async def keys(bench: Bench, sideband: Sideband, count: int) -> str:
    """The first so many keys that the session was told, as one string."""
    seen = 0
    digits = ""
    for _ in range(count):
        event = await bench.event(sideband, EVENT, after=seen)
        seen = sideband.events.index(event) + 1
        digits += str(event.get("event"))
    return digits


def is_event(packet: bytes) -> bool:
    return packet[1] & 0x7F == 101


def is_end(packet: bytes) -> bool:
    """The last of the packets of a key (RFC 4733 2.3.2: the E bit)."""
    return is_event(packet) and bool(packet[13] & 0x80)


@documented("DTMF-EVENT-01", says="A key that the caller presses is an event whose `event` is the key.", clause=CLAUSE)
async def key_is_an_event(bench: Bench) -> None:
    call, sideband = await listening(bench)
    await call.press("7")
    event = await bench.event(sideband, EVENT)
    bench.expect(event.get("event") == "7", "event: 7", event.data)


@documented(
    "DTMF-EVENT-02",
    says="The event of a key says in received_at when it was received.",
    clause=f"{CLAUSE}: received_at is a UTC Unix time",
)
async def event_has_its_time(bench: Bench) -> None:
    call, sideband = await listening(bench)
    await call.press("7")
    event = await bench.event(sideband, EVENT)
    at = event.get("received_at")
    bench.expect(isinstance(at, int) and not isinstance(at, bool), "an integer in received_at", event.data)
    bench.expect(abs(at - event.at) < DAY, "a Unix time in seconds, of now", at)


@documented("DTMF-EVENT-03", says="All sixteen keys are known.", clause=f"{CLAUSE}: 0 to 9, *, #, A to D")
async def all_keys_are_known(bench: Bench) -> None:
    call, sideband = await listening(bench)
    pressing = bench.watch(call.press(DIGITS, duration_ms=SHORT_MS))
    pressed = await keys(bench, sideband, len(DIGITS))
    await pressing
    bench.expect(pressed == DIGITS, DIGITS, pressed)


@documented(
    "DTMF-EVENT-04",
    says="A key that is pressed once is one event.",
    clause=f"{CLAUSE}: returned when a DTMF event is received",
)
async def key_is_one_event(bench: Bench) -> None:
    call, sideband = await listening(bench)
    await call.press("56")
    pressed = await keys(bench, sideband, 2)
    bench.expect(pressed == "56", "5 and 6, once each", pressed)


@by_rfc(
    "DTMF-EVENT-05",
    says="The same key pressed twice is two events.",
    clause="RFC 4733 2.5.1.2: another timestamp is another event",
)
async def same_key_twice_is_two_events(bench: Bench) -> None:
    call, sideband = await listening(bench)
    await call.press("336")
    pressed = await keys(bench, sideband, 3)
    bench.expect(pressed == "336", "3, 3 and 6", pressed)


@by_rfc(
    "DTMF-EVENT-06",
    says="Keys are heard by the payload type that was negotiated.",
    clause="RFC 3264 6.1: payload types are those of the answer",
)
async def keys_have_the_negotiated_type(bench: Bench) -> None:
    call, sideband = await listening(bench, offer=lambda mine: mine.replace(b"101", b"96"))
    await call.press("8")
    event = await bench.event(sideband, EVENT)
    bench.expect(event.get("event") == "8", "event: 8", event.data)


@recommended(
    "DTMF-EVENT-07",
    says="A key whose last packets are lost is heard.",
    clause="RFC 4733 2.5.2.2: a receiver copes with a lost end",
)
async def lost_end_is_tolerated(bench: Bench) -> None:
    call, sideband = await listening(bench)
    call.media.impairs = lambda packet: () if is_end(packet) else (packet,)
    await call.press("4")
    pressed = await keys(bench, sideband, 1)
    bench.expect(pressed == "4", "4", pressed)


@recommended(
    "DTMF-EVENT-08",
    says="A key of which only one last packet arrives is heard.",
    clause="RFC 4733 2.5.1.4: the end is sent three times for this",
)
async def one_last_packet_is_enough(bench: Bench) -> None:
    call, sideband = await listening(bench)
    ends = iter(range(100))

    def all_but_the_second_end(packet: bytes) -> Sequence[bytes]:
        return (packet,) if not is_event(packet) or (is_end(packet) and next(ends) == 1) else ()

    call.media.impairs = all_but_the_second_end
    await call.press("2")
    pressed = await keys(bench, sideband, 1)
    bench.expect(pressed == "2", "2", pressed)


@recommended(
    "DTMF-EVENT-09",
    says="A key whose packets all come twice is one event.",
    clause="RFC 3550 A.1: a packet that comes twice counts once",
)
async def doubled_packets_are_one_event(bench: Bench) -> None:
    call, sideband = await listening(bench)
    call.media.impairs = lambda packet: (packet, packet)
    await call.press("19")
    pressed = await keys(bench, sideband, 2)
    bench.expect(pressed == "19", "1 and 9, once each", pressed)


@requirement(
    "DTMF-EVENT-10",
    level=Level.CHOICE,
    says="A flash is no key.",
    evidence="CHOICE",
    clause="RFC 4733 has event 16, and the answer names it; nobody has shown what it does",
    needs=NEEDS,
)
async def flash_is_no_key(bench: Bench) -> None:
    call, sideband = await listening(bench)
    call.media.impairs = lambda packet: (packet[:12] + b"\x10" + packet[13:] if is_event(packet) else packet,)
    told = bench.watch(sideband.wait_for(EVENT, timeout=bench.within.event))
    await call.press("1")
    if await bench.nothing(told):
        bench.note("a flash is no event")
    bench.note(f"a flash is {told.result().data}")
