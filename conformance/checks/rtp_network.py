"""What a network, and a telephone behind it, do to RTP that must not be heard."""

import struct
from collections.abc import Callable, Sequence
from functools import partial

from ..bench import Bench
from ..client.call import Call
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from .speech import session, understood

NEEDS = {"rest", "sip", "webhooks", "sideband", "tonecode"}
COMFORT_NOISE = 13
BEFORE_THE_WRAP = 5
"""Packets: the wrap comes before the caller speaks."""
Network = Callable[[bytes], Sequence[bytes]]

recommended = partial(requirement, level=Level.SHOULD, evidence="RFC", needs=NEEDS)


async def through(bench: Bench, network: Network) -> tuple[Call, Sideband]:
    """A call whose caller sends by that network from the first packet on."""
    call, call_id = await bench.ring()
    call.media.impairs = network
    answer = await (await bench.rest()).accept(call_id, session())
    bench.expect(answer.status == 200, "200 to accept", answer.status)
    await call.answered(timeout=bench.within.answer)
    return call, await bench.attach(call_id)


def renumbered() -> Network:
    """Sequence numbers and timestamps begin so that both wrap soon."""
    first: list[tuple[int, int]] = []

    def change(packet: bytes) -> Sequence[bytes]:
        sequence, timestamp = struct.unpack_from("!HI", packet, 2)
        first[:] = first or [(sequence, timestamp)]
        count = (sequence - first[0][0] - BEFORE_THE_WRAP) & 0xFFFF
        ticks = (timestamp - first[0][1] - 160 * BEFORE_THE_WRAP) & 0xFFFFFFFF
        return [packet[:2] + struct.pack("!HI", count, ticks) + packet[8:]]

    return change


@requirement(
    "RTP-NET-01",
    level=Level.MUST,
    says="A caller whose sequence numbers and timestamps wrap is understood.",
    evidence="RFC",
    clause="RFC 3550 5.1: both begin at random, so that they wrap in any call",
    needs=NEEDS,
)
async def numbers_may_wrap(bench: Bench) -> None:
    call, sideband = await through(bench, renumbered())
    await understood(bench, call, sideband)


@recommended(
    "RTP-NET-02",
    says="Packets that come twice do no harm.",
    clause="RFC 3550 5.1: the sequence number tells a packet that came before",
)
async def packets_may_come_twice(bench: Bench) -> None:
    call, sideband = await through(bench, lambda packet: (packet, packet))
    await understood(bench, call, sideband)


@recommended(
    "RTP-NET-03",
    says="A caller whose SSRC changes is understood.",
    clause="RFC 3550 8.2: a source may change its identifier; its packets are those of a new source",
)
async def source_may_change(bench: Bench) -> None:
    call, sideband = await through(bench, lambda packet: (packet,))
    call.media.impairs = lambda packet: (packet[:8] + bytes((packet[8] ^ 0xFF,)) + packet[9:],)
    await understood(bench, call, sideband)


@recommended(
    "RTP-NET-04",
    says="STUN and garbage between the packets of a caller do no harm.",
    clause="RFC 7983 7: the first byte tells STUN from RTP; RFC 3550 A.1 what is no RTP",
)
async def other_datagrams_may_come(bench: Bench) -> None:
    stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
    call, sideband = await through(bench, lambda packet: (stun, packet, b"\xff" * 40, packet[:7]))
    await understood(bench, call, sideband)


@recommended(
    "RTP-NET-05",
    says="Comfort noise is not heard as speech.",
    clause="RFC 3389 4: payload type 13 describes the noise of a silence",
)
async def comfort_noise_is_silence(bench: Bench) -> None:
    def quiet(packet: bytes) -> Sequence[bytes]:
        return [packet[:1] + bytes((packet[1] & 0x80 | COMFORT_NOISE,)) + packet[2:12] + b"\x30"]

    call, sideband = await through(bench, quiet)
    heard = bench.watch(sideband.wait_for("input_audio_buffer.speech_started", timeout=bench.within.speech))
    bench.expect(await bench.nothing(heard), "nothing to be heard", "speech")
    call.media.impairs = lambda packet: (packet,)
    await understood(bench, call, sideband)
