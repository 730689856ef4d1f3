"""Media on real sockets: a pair of UDP ports for each leg, and the one 20 ms ticker that moves all of them."""

import logging
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..config import PortRange
from ..errors import RingbackError
from ..faults.plan import FaultPlan, Faults
from .deadlines import Deadlines
from .hosting import RunningHost

if TYPE_CHECKING:
    from ..rtp.stream import RtpStream

log = logging.getLogger("ringback.rtp")

FRAME_SECONDS = 0.02
"""As in `audio.samples`, which brings numpy: a listener does not wait for that (`preload`)."""
RECEIVE_BATCH = 32
"""Datagrams taken from one socket before the loop gets a turn."""
PAIR_ATTEMPTS = 64
PHASES = 10
"""Groups of legs, 2 ms apart: one late turn of the loop never delays everybody."""


class NoMediaPort(RingbackError):
    """No pair of UDP ports is free."""


@dataclass(slots=True)
class MediaSocket:
    """The RTP socket of one leg, and the RTCP socket on the next port (RFC 3550 11)."""

    rtp: socket.socket
    rtcp: socket.socket
    port: int

    def close(self, loop: AbstractEventLoop) -> None:
        for sock in (self.rtp, self.rtcp):
            loop.remove_reader(sock.fileno())  # given the object, the selector prints it into an error that it drops
            sock.close()


class MediaPorts:
    """Opens pairs of ports, from a range that goes round, or wherever the system has one free."""

    def __init__(self, *, host: str, ports: PortRange | None) -> None:
        self._host = host
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._ports = ports
        self._next = 0

    def open(self) -> MediaSocket:
        """Bind a pair. Raises `NoMediaPort` with what was tried."""
        for port in self._candidates():
            pair = self._bind(port)
            if pair is not None:
                return pair
        where = "any port" if self._ports is None else f"a pair in {self._ports}"
        raise NoMediaPort(f"no media port is free: {where} on {self._host}; widen --rtp-ports or end some calls")

    def _candidates(self) -> Iterator[int]:
        if self._ports is None:
            yield from (0 for _ in range(PAIR_ATTEMPTS))
            return
        low = self._ports.low + self._ports.low % 2  # RTP on the even port of a pair, RTCP on the odd one above it
        pairs = max(0, (self._ports.high - low + 1) // 2)
        for _ in range(pairs):
            yield low + 2 * (self._next % pairs)
            self._next += 1

    def _bind(self, port: int) -> MediaSocket | None:
        rtp = socket.socket(self._family, socket.SOCK_DGRAM)
        rtcp = socket.socket(self._family, socket.SOCK_DGRAM)
        try:
            rtp.bind((self._host, port))
            bound = rtp.getsockname()[1]
            rtcp.bind((self._host, bound + 1))
        except (OSError, OverflowError):
            rtp.close()
            rtcp.close()
            return None
        rtp.setblocking(False)
        rtcp.setblocking(False)
        return MediaSocket(rtp=rtp, rtcp=rtcp, port=bound)


class Ticker:
    """Calls every member once in 20 ms, on the emulator's own clock, and sleeps while it has none."""

    def __init__(self, deadlines: Deadlines, now: Callable[[], float]) -> None:
        self._deadlines = deadlines
        self._now = now
        self._groups: list[dict[Hashable, Callable[[float], None]]] = [{} for _ in range(PHASES)]

    def add(self, member: Hashable, tick: Callable[[float], None]) -> None:
        """From its next slot on, `tick(now)` is called every 20 ms."""
        phase = min(range(PHASES), key=lambda index: len(self._groups[index]))
        group = self._groups[phase]
        group[member] = tick
        if len(group) == 1:
            offset = phase * FRAME_SECONDS / PHASES
            slot = int((self._now() - offset) / FRAME_SECONDS) + 1
            self._arm(phase, slot * FRAME_SECONDS + offset)

    def remove(self, member: Hashable) -> None:
        """No tick any more. Unknown members are nobody's mistake: a leg may end before it began."""
        for phase, group in enumerate(self._groups):
            if group.pop(member, None) is not None and not group:
                self._deadlines.arm(("tick", phase), None, self._nothing)

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups)

    def _arm(self, phase: int, slot: float) -> None:
        def run(now: float) -> None:
            for tick in tuple(self._groups[phase].values()):
                tick(slot)
            if self._groups[phase]:
                # A loop that was held up catches up tick by tick, but never more than a second of it.
                self._arm(phase, max(slot + FRAME_SECONDS, now - 1.0))

        self._deadlines.arm(("tick", phase), slot, run)

    @staticmethod
    def _nothing(now: float) -> None:
        raise AssertionError("a disarmed deadline is never called")


@dataclass(slots=True)
class MediaLeg:
    """One leg's media: socket, RTP stream, and the session's audio ports. Call control never sees a frame.

    Between `start` and `close` it sends a frame each tick, and gives the session what was heard. What that raises goes
    to `on_bug`: the other legs of the tick must not wait for it.
    """

    sockets: MediaSocket
    loop: AbstractEventLoop
    now: Callable[[], float]
    ticker: Ticker
    on_bug: Callable[[Exception], None]
    faults: Faults
    project_id: str
    call_id: str
    stream: "RtpStream | None" = None
    host: RunningHost | None = None
    on_digit: Callable[[str], None] | None = None
    patience: float = 0.0
    """After so many seconds without a packet of the peer `on_silence` is called; 0 is never."""
    on_silence: Callable[[], None] = lambda: None

    @property
    def port(self) -> int:
        return self.sockets.port

    def start(self, stream: "RtpStream", host: RunningHost, on_digit: Callable[[str], None]) -> None:
        self.stream, self.host, self.on_digit = stream, host, on_digit
        self.loop.add_reader(self.sockets.rtp.fileno(), self._readable, self.sockets.rtp, stream.receive_datagram)
        self.loop.add_reader(self.sockets.rtcp.fileno(), self._readable, self.sockets.rtcp, stream.receive_rtcp)
        self.ticker.add(self, self._tick)

    def close(self) -> dict[str, object]:
        """Stop and give the ports back. Returns the stream's statistics."""
        self.ticker.remove(self)
        statistics: dict[str, object] = {}
        if self.stream is not None:
            self.stream.close(self.now())
            self._send()
            statistics = dict(self.stream.statistics())
        self.sockets.close(self.loop)
        return statistics

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def _readable(self, sock: socket.socket, receive: Callable[[bytes, tuple[str, int], float], None]) -> None:
        now = self.now()
        for _ in range(RECEIVE_BATCH):
            try:
                data, source = sock.recvfrom(65535)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error of an earlier datagram: the peer's port is closed
                log.debug("= rtp port %d: %s", self.sockets.port, error)
                return
            try:
                plan = None if sock is self.sockets.rtcp else self._plan
                for packet in (data,) if plan is None else plan.rtp_in(data, self.call_id):
                    receive(packet, source[:2], now)
            except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
                self.on_bug(error)
                return

    def _tick(self, now: float) -> None:
        try:
            self._exchange(now)
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            self.on_bug(error)

    def _exchange(self, now: float) -> None:
        assert self.stream is not None
        assert self.host is not None
        assert self.on_digit is not None
        session = self.host.host
        tick = self.stream.tick(session.read_audio(now), now)
        if tick.heard is not None:
            session.receive_audio(tick.heard, now)
        for digit in tick.digits:
            self.on_digit(digit)
            session.receive_dtmf(digit, now)
        self._send()
        self.host.pump()
        if 0.0 < self.patience <= self.stream.silence(now):
            self.patience = 0.0
            self.on_silence()

    def _send(self) -> None:
        assert self.stream is not None
        plan = self._plan
        for data, target in self.stream.data_to_send():
            for packet in (data,) if plan is None else plan.rtp_out(data, self.call_id):
                _send_to(self.sockets.rtp, packet, target)
        for data, target in self.stream.rtcp_to_send(self.now()):
            for packet in (data,) if plan is None else plan.rtcp_out(data, self.call_id):
                _send_to(self.sockets.rtcp, packet, target)

    @property
    def _plan(self) -> FaultPlan | None:
        return self.faults.of(self.project_id) if self.faults else None


def _send_to(sock: socket.socket, data: bytes, target: tuple[str, int]) -> None:
    try:
        sock.sendto(data, target)
    except OSError as error:  # no route, a full buffer, an ICMP answer: RTP is lossy by nature
        log.debug("= rtp to %s: %s", target, error)
