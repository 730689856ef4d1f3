"""A WebRTC caller by aiortc: offers, posts, connects; its events on a data channel, its sound by tonecode.

::

    async with WebRtcCall() as call:
        answer = await rest.create_call(await call.offer(), session={"type": "realtime"})
        await call.connect(answer)
        await call.say("hello")
        await call.wait_for_heard()
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCDtlsTransport,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError

from .codecs import CodecName
from .ear import Ear, Listener
from .errors import CallRefused, ConnectionFailed, FarEndError, ProtocolViolation, UsageError
from .events import EventStream
from .g711 import Samples
from .rest import RestAnswer
from .watch import DECISION, END, EVENT, Watch
from .webrtc_sound import Microphone, Speaker

EVENTS = "oai-events"  # the label that every example gives the channel [DOC]
EndedBy = Literal["caller", "callee", "failed"]


class CallState(Enum):
    OFFERING = "offering"
    CONNECTING = "connecting"  # the answer has come
    CONNECTED = "connected"
    ENDED = "ended"


class DataChannel(EventStream):
    """The events of a WebRTC call."""

    carrier = "data channel"

    def __init__(self, channel: RTCDataChannel, opened: Callable[[], None]) -> None:
        super().__init__()
        self._channel = channel
        self._tell = opened
        self.is_ready = False
        channel.on("open", self._opened)
        channel.on("message", self.take)
        channel.on("close", self.end)

    async def send(self, event: Mapping[str, Any] | str | bytes) -> None:
        try:
            self._channel.send(json.dumps(event) if isinstance(event, Mapping) else event)
        except InvalidStateError:
            raise ConnectionFailed(f"the data channel is {self._channel.readyState}") from None
        except ValueError as error:
            raise UsageError(str(error)) from None
        await asyncio.sleep(0)  # the message leaves in a task of its own

    async def ready(self, timeout: float = EVENT) -> None:
        """Return when it is open. Raises `CallEnded` when it was closed before."""

        def found() -> bool:
            if not self.is_ready:
                self._raise_end("it was open")
            return self.is_ready

        await self._watch.until(found, timeout=timeout, what="open data channel", instead=self._describe)

    async def closed(self, timeout: float = EVENT) -> None:
        """Return when the far end has closed it, or the call is over."""
        await self._watch.until(
            lambda: not self.is_open, timeout=timeout, what="close of the data channel", instead=self._describe
        )

    async def close(self) -> None:
        """Close it, and leave the call as it is."""
        self._channel.close()
        await self.closed()

    @property
    def label(self) -> str:
        return str(self._channel.label)

    @property
    def limit(self) -> int:
        """The longest message that the far end takes, in bytes; 0 for any. Set it to send what may not be sent."""
        return int(self._channel.transport._remote_max_message_size or 0)

    @limit.setter
    def limit(self, size: int) -> None:
        self._channel.transport._remote_max_message_size = size

    def _describe(self) -> str:
        return super()._describe() if self.is_ready or not self.is_open else "a data channel that is not open yet"

    def _opened(self) -> None:
        self.is_ready = True
        self._watch.changed()
        self._tell()


class WebRtcCall(Listener):
    """One call, from its offer to its end. Use it as `async with`: what is left of it is closed.

    `codecs` are offered in that order, all that aiortc knows if none are named. Without `has_events` there is no data
    channel. `address` binds its one candidate there; without it there is one for each address of this machine.
    """

    def __init__(
        self,
        *,
        codecs: Sequence[CodecName] = (),
        has_events: bool = True,
        label: str = EVENTS,
        address: str | None = None,
    ) -> None:
        self.watch = Watch()
        self.codecs = tuple(codecs)
        self.has_events = has_events
        self.state = CallState.OFFERING
        self.answer: RestAnswer | None = None
        self.failure: FarEndError | None = None
        self.ended_by: EndedBy | None = None
        self._ear = Ear(self.watch.changed)
        self._address = address
        self._label = label
        self._peer: RTCPeerConnection | None = None
        self._microphone: Microphone | None = None
        self._speaker = Speaker(self._ear, self.watch.changed)
        self._listening: asyncio.Task[None] | None = None
        self._events: DataChannel | None = None
        self._is_leaving = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    # -- setting up

    async def offer(self) -> str:
        """The SDP of an offer, its candidates gathered. Call it once."""
        if self._peer is not None:
            raise UsageError("a call has one offer")
        # Not MAX_BUNDLE: with that aiortc forgets the candidates of an answer that has them in its first section only,
        # as the recorded ones have [OBS].
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer = peer
        peer.on("connectionstatechange", self._state_changed)
        peer.on("track", self._track_came)
        self._microphone = Microphone(self._speaker.watch_pause)
        sender = peer.addTrack(self._microphone)
        if self.codecs:
            self._prefer(peer)
        if self.has_events:
            self._events = DataChannel(peer.createDataChannel(self._label), self.watch.changed)
        _bind(sender.transport, self._address)
        if peer.sctp is not None:
            _bind(peer.sctp.transport, self._address)
        await peer.setLocalDescription(await peer.createOffer())
        return str(peer.localDescription.sdp)

    async def connect(self, answer: RestAnswer, timeout: float = DECISION) -> None:
        """Take the answer to the offer; return when sound and events can flow.

        Raises `CallRefused` for anything but a 2xx, `ProtocolViolation` for an SDP that can't be the answer, and
        `ConnectionFailed` when no connection comes of it.
        """
        self.take(answer)
        await self.connected(timeout)

    def take(self, answer: RestAnswer) -> None:
        """Take the answer, and wait for nothing."""
        self.answer = answer
        if not answer.is_success:
            raise CallRefused(answer.status, f"{answer.reason} {answer.body[:200].decode(errors='replace')}".strip())
        self.state = CallState.CONNECTING
        self._setting = asyncio.ensure_future(self._set_answer(answer.body.decode("utf-8", "replace")))

    async def connected(self, timeout: float = DECISION) -> None:
        """Return when the peer connection stands and the data channel, if there is one, is open."""

        def found() -> bool:
            if self.state is CallState.CONNECTED and (self._events is None or self._events.is_ready):
                return True
            self._raise_ended("it was connected")
            return False

        await self._until(found, timeout, "connection")

    # -- what there is

    @property
    def id(self) -> str:
        """The call id: the last path segment of `Location`. Raises `ProtocolViolation` where there is none."""
        location = None if self.answer is None else self.answer.header("Location")
        call_id = (location or "").rpartition("/")[2]
        if not call_id:
            raise ProtocolViolation(f"no call id in the Location {location!r}")
        return call_id

    @property
    def has_channel(self) -> bool:
        """Whether its offer had a data channel."""
        return self._events is not None

    @property
    def events(self) -> DataChannel:
        """The data channel. Raises `UsageError` for a call that offered none."""
        if self._events is None:
            raise UsageError("this call has no data channel" if self._peer else "the data channel comes with the offer")
        return self._events

    @property
    def ear(self) -> Ear:
        return self._ear

    @property
    def is_over(self) -> bool:
        return self.state is CallState.ENDED

    @property
    def frames(self) -> int:
        """How many frames of sound came, silent ones too."""
        return self._speaker.frames

    @property
    def stalls(self) -> int:
        return self._mouth.stalls

    # -- doing

    async def say(self, text: str) -> None:
        """Say a text as tonecode; return when it has been played."""
        await self._mouth.say(text)

    async def play(self, sound: Samples | str | Path) -> None:
        """Play samples (8 kHz) or a WAV file; return when it has been played."""
        await self._mouth.play(sound)

    def stop_playing(self) -> None:
        self._mouth.stop_playing()

    def mute(self, is_muted: bool = True) -> None:
        """Send silence in place of what is said, or say it again."""
        self._mouth.is_muted = is_muted

    async def ended(self, timeout: float = END) -> EndedBy:
        """Who ended the call. Never raises what made it fail: that is in `failure`."""
        return await self._until(lambda: self.ended_by, timeout, "end of the call")

    async def hang_up(self) -> None:
        """Close the peer connection with its goodbyes, as a page does that calls `close()`."""
        self._is_leaving = True
        if self._peer is not None:
            await self._peer.close()
        await self._end("caller")

    async def vanish(self) -> None:
        """Be gone without a word, as a phone in a tunnel: nothing is sent or answered any more."""
        if self._peer is None:
            raise UsageError("there is nothing to vanish from yet")
        self._is_leaving = True
        for transceiver in self._peer.getTransceivers():
            await transceiver.sender.transport.transport._connection.close()
        await self.hang_up()

    # -- private

    @property
    def _mouth(self) -> Microphone:
        self._raise_ended("anything was said")
        if self._microphone is None:
            raise UsageError("nothing can be said before there is an offer")
        return self._microphone

    def _prefer(self, peer: RTCPeerConnection) -> None:
        known = RTCRtpSender.getCapabilities("audio").codecs
        chosen = [each for name in self.codecs for each in known if each.mimeType.lower() == f"audio/{name.lower()}"]
        peer.getTransceivers()[0].setCodecPreferences(chosen)

    async def _set_answer(self, sdp: str) -> None:
        assert self._peer is not None
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
            if self._microphone is not None:
                self._microphone.encodes(self._peer.getTransceivers()[0]._codecs[0])
        except (ValueError, KeyError, IndexError, AssertionError, InvalidAccessError, OperationError) as error:
            # aiortc raises what comes to hand for an SDP that it can't read
            self.failure = ProtocolViolation(f"the answer can't be used: {type(error).__name__} {error}: {sdp[:300]!r}")
            await self._end("failed")
        except InvalidStateError:
            return  # hung up meanwhile

    def _state_changed(self) -> None:
        assert self._peer is not None
        match self._peer.connectionState:
            case "connected" if self.state is not CallState.ENDED:
                self.state = CallState.CONNECTED
            case "failed":
                was = "lost" if self.state is CallState.CONNECTED else "never made"
                self.failure = ConnectionFailed(f"the peer connection was {was}: ICE {self._peer.iceConnectionState}")
                self._closing = asyncio.ensure_future(self._end("failed"))
            case "closed" if not self._is_leaving:
                self._closing = asyncio.ensure_future(self._end("callee"))
        self.watch.changed()

    def _track_came(self, track: Any) -> None:
        self._listening = asyncio.ensure_future(self._speaker.listen(track))

    async def _end(self, by: EndedBy) -> None:
        if self.state is CallState.ENDED:
            return
        self.state = CallState.ENDED
        self.ended_by = by
        if self._microphone is not None:
            self._microphone.stop()
        if self._peer is not None:
            await self._peer.close()
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        self._ear.flush()
        if self._events is not None:
            self._events.end()
        self.watch.changed()

    def _failed(self) -> FarEndError | None:
        return self.failure

    def _ended_how(self) -> str:
        return str(self.ended_by)

    def _describe(self) -> str:
        parts = [f"a call that is {self.state.value}"]
        if self._peer is not None:
            parts.append(f"ICE {self._peer.iceConnectionState}, peer connection {self._peer.connectionState}")
        if self._events is not None:
            parts.append(self._events._describe())
        parts.append(f"{self.frames} frames of sound")
        said = [f"{each.text!r}{'' if each.complete else ' (broken off)'}" for each in self.hearings]
        parts += [f"heard {', '.join(said)}"] if said else []
        return "; ".join(parts)


def _bind(transport: RTCDtlsTransport, address: str | None) -> None:
    """Candidates at one address; without one at all of this machine, at loopback where it has no other."""
    connection = transport.transport._connection
    gather = connection.get_component_candidates

    async def candidates(component: int, addresses: list[str], **options: Any) -> Any:
        wanted = [address] if address is not None else addresses or ["127.0.0.1"]
        return await gather(component=component, addresses=wanted, **options)

    connection.get_component_candidates = candidates  # type: ignore[method-assign,assignment]
