"""WebRTC legs at work: what a call's effects mean for a peer connection. aiortc is imported with the first of them."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..calls.call import Call
from ..calls.inputs import AnswerReady, Input, MediaFailed, PeerClosed, PeerConnected, PeerFailed
from ..calls.leg import WebRtcLeg
from ..config import Settings
from ..errors import EmulatorBug, InvalidRequest
from ..faults.plan import Faults
from ..ids import Ids
from ..journal import Journal
from ..sdp.webrtc_answer import LocalTransport, build_answer
from .deadlines import Clock
from .hosting import RunningHost
from .rtp_net import Ticker
from .supervisor import Supervisor

if TYPE_CHECKING:
    from aiortc.rtcdatachannel import RTCDataChannel
    from aiortc.rtcdtlstransport import RTCCertificate

    from .data_channel import DataChannel
    from .webrtc import Peer
    from .webrtc_audio import WebRtcSound
    from .webrtc_ice import IceSettings

SESSION_BITS = 63
NORMAL = 1000


@dataclass(slots=True, kw_only=True)
class WebRtcRun:
    """What one call has open."""

    call: Call
    host: RunningHost
    peer: "Peer"
    sound: "WebRtcSound"
    apply: Callable[[Input], None]
    channel: "DataChannel | None" = None
    connecting: "asyncio.Task[None] | None" = None


class WebRtcCalls:
    """`open` and what `close` returns are awaited by the call's queue; `start` goes on by itself. What comes of them
    are inputs of the call."""

    def __init__(
        self,
        *,
        settings: Settings,
        ids: Ids,
        clock: Clock,
        journal: Journal,
        supervisor: Supervisor,
        ticker: Ticker,
        faults: Faults,
    ) -> None:
        self._settings = settings
        self._ids = ids
        self._clock = clock
        self._journal = journal
        self._supervisor = supervisor
        self._ticker = ticker
        self._faults = faults
        self._identity: tuple[RTCCertificate, str] | None = None
        self._runs: dict[str, WebRtcRun] = {}

    # Effects

    async def open(
        self, call: Call, host: RunningHost, apply: Callable[[Input], None], on_bug: Callable[[BaseException], None]
    ) -> None:
        """Bind addresses and write the answer: `AnswerReady` or `MediaFailed`."""
        await asyncio.to_thread(importlib.import_module, f"{__package__}.webrtc_audio")
        from .webrtc_ice import NoAddress

        run = self._make_run(call, host, apply, on_bug)
        self._runs[call.call_id] = run
        try:
            candidates = await run.peer.open()
        except NoAddress as error:
            apply(MediaFailed(reason=str(error)))
            return
        local = LocalTransport(
            ice_ufrag=run.peer.ufrag,
            ice_password=run.peer.password,
            fingerprint=run.peer.fingerprint,
            candidates=candidates,
            ssrc=run.sound.ssrc,
            max_message_size=self._settings.data_channel_limit,
        )
        session_id = self._ids.number(SESSION_BITS)
        apply(AnswerReady(sdp=build_answer(_leg(call).offer, local, session_id=session_id, now=self._clock.now())))

    def start(self, call: Call, on_bug: Callable[[BaseException], None]) -> None:
        """Wait for the peer: `PeerConnected` or `PeerFailed`."""
        run = self._runs[call.call_id]
        run.connecting = self._supervisor.spawn(self._connect(run), name=f"peer of {call.call_id}", on_bug=on_bug)

    def close(self, call: Call) -> tuple[dict[str, object], Coroutine[Any, Any, None]]:
        """The statistics of a call that ends, and what has to be awaited until nothing of it is left."""
        run = self._runs.pop(call.call_id, None)
        if run is None:
            return {}, _nothing()
        return run.sound.close(), self._close(run)

    # Queries

    def __len__(self) -> int:
        """How many peers there are."""
        return len(self._runs)

    # Private

    def _make_run(
        self, call: Call, host: RunningHost, apply: Callable[[Input], None], on_bug: Callable[[BaseException], None]
    ) -> WebRtcRun:
        from ..rtp.stream import RtpStream
        from .webrtc import Peer, PeerEvents, make_identity
        from .webrtc_audio import WebRtcSound, audio_of

        offer = _leg(call).offer
        sound = WebRtcSound(
            stream=RtpStream(audio_of(offer, offer.codecs[0]), ids=self._ids, now=self._clock.now()),
            offer=offer,
            host=host,
            ticker=self._ticker,
            now=self._clock.now,
            tail=self._settings.webrtc_tail,
            on_bug=on_bug,
            faults=self._faults,
        )
        self._identity = self._identity or make_identity()
        peer = Peer(
            offer,
            identity=self._identity,
            ice=self._ice_settings(),
            ufrag=self._ids.ice_ufrag(),
            password=self._ids.ice_password(),
            events=PeerEvents(
                rtp=sound.receive_rtp,
                rtcp=sound.receive_rtcp,
                channel=lambda channel: self._channel_came(run, channel),
                closed=lambda: apply(PeerClosed()),
                lost=lambda: apply(PeerFailed(reason="the peer is silent for too long")),
            ),
        )
        run = WebRtcRun(call=call, host=host, peer=peer, sound=sound, apply=apply)
        return run

    def _ice_settings(self) -> "IceSettings":
        from .webrtc_ice import IceSettings, addresses_of

        settings = self._settings
        return IceSettings(
            addresses=settings.webrtc_addresses or addresses_of(settings.host),
            advertised=settings.advertise_ip,
            ports=settings.rtp_ports,
            consent_timeout=settings.webrtc_consent_timeout,
        )

    async def _connect(self, run: WebRtcRun) -> None:
        from .webrtc import PeerUnreachable

        try:
            await run.peer.connect(self._settings.webrtc_connect_timeout)
        except PeerUnreachable as error:
            run.apply(PeerFailed(reason=str(error)))
            return
        self._record(
            run,
            "media.opened",
            codec=run.sound.codec,
            local=run.peer.local_address,
            remote=run.peer.remote_address,
        )
        run.sound.start(run.peer)
        run.apply(PeerConnected())

    def _channel_came(self, run: WebRtcRun, channel: "RTCDataChannel") -> None:
        """The client made a data channel. The first of the right name carries the events; others are left alone."""
        from .data_channel import LABEL, DataChannel

        if channel.label != LABEL or run.channel is not None or not run.host.is_open:
            return
        events = run.channel = DataChannel(
            channel,
            most=run.peer.most_to_send,
            buffer_limit=self._settings.send_buffer_limit,
            on_unsendable=lambda kind, length: self._unsendable(run, kind, length),
        )
        channel.on("message", lambda data: self._message(run, events, data))
        channel.on("close", lambda: run.host.detach(events, code=NORMAL, by="client"))
        run.host.attach(events, transport="webrtc")

    def _message(self, run: WebRtcRun, channel: "DataChannel", data: str | bytes) -> None:
        size = len(data) if isinstance(data, bytes) else len(data.encode())
        limit = self._settings.data_channel_limit
        if size > limit:
            run.host.refuse(
                channel.id, InvalidRequest(f"An event of {size} bytes is too large: a data channel takes {limit}.")
            )
            return
        run.host.receive(channel.id, data)

    def _unsendable(self, run: WebRtcRun, kind: str, length: int) -> None:
        assert run.channel is not None
        self._record(run, "event.unsent", channel=run.channel.id, type=kind, length=length)

    async def _close(self, run: WebRtcRun) -> None:
        if run.connecting is not None and not run.connecting.done():
            run.connecting.cancel()
            await asyncio.wait([run.connecting])
        await run.peer.close(None if run.channel is None else run.channel.channel)

    def _record(self, run: WebRtcRun, kind: str, **data: Any) -> None:
        call = run.call
        self._journal.add(kind, now=self._clock.now(), project_id=call.project_id, call_id=call.call_id, **data)


def _leg(call: Call) -> WebRtcLeg:
    if not isinstance(call.leg, WebRtcLeg):
        raise EmulatorBug(f"call {call.call_id} has no WebRTC leg")
    return call.leg


async def _nothing() -> None:
    """There is nothing to wait for."""
