"""Joins one session, one model and the channels that watch it, with or without a call."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from ..audio.samples import Samples
from ..audio.voice import Ear, TonecodeEar, TonecodeVoice, Voice
from ..errors import InvalidRequest
from ..ids import Ids
from ..realtime.client_events import AppendAudio, InvalidEvent, Parsed, parse_client_event
from ..realtime.effects import (
    CloseChannel,
    CloseChannels,
    HangUpCall,
    HostEffect,
    HostRecord,
    SendEvent,
    SessionExpired,
)
from ..realtime.events import Outbox
from ..realtime.session import BegunResponse, Session
from ..realtime.session_config import PCMA, PCMU, SessionConfig
from ..realtime.transcription import faithfully
from ..redaction import redacted_event
from .generation import Generation
from .mcp import WAITING, Listings
from .model import Model, Turn, ends_turns, transcribes
from .prompting import Prompting

__all__ = [
    "CloseChannel",
    "CloseChannels",
    "HangUpCall",
    "HostEffect",
    "HostRecord",
    "SendEvent",
    "SessionExpired",
    "SessionHost",
    "Transport",
]

Transport: TypeAlias = Literal["sip", "webrtc", "websocket"]

SESSION_LIMIT = 3600.0

JOURNALLED = 16 * 1024
"""A client event longer than that is in the journal only by its type and its length."""

EXPIRED_CLOSE = 1001
EXPIRED_MESSAGE = "Your session hit the maximum duration of 60 minutes."


class SessionHost:
    """Feed it with `receive_*`, take frames with `read_audio`, and after each take `next_effect()` until it is None.

    `codec` is what a SIP call negotiated; for Opus and G.722 the session has the format of its configuration, as with
    WebRTC [CHOICE]. `sends_created` says whether a channel that attaches is greeted with
    `session.created`: by default only on a WebSocket of its own, as it was never seen on a sideband [OBS, FACTS 6].
    """

    def __init__(
        self,
        *,
        session_id: str,
        config: SessionConfig,
        model: Model,
        ids: Ids,
        now: float,
        transport: Transport,
        codec: str = "PCMU",
        session_limit: float = SESSION_LIMIT,
        sends_created: bool | None = None,
        sends_rate_limits: bool = True,
        sends_legacy_events: bool = False,
        voice: Voice | None = None,
        make_ear: Callable[[], Ear] = TonecodeEar,
    ) -> None:
        self._out = Outbox(ids, sends_legacy=sends_legacy_events)
        self._model = model
        self._voice = TonecodeVoice() if voice is None else voice
        self._expires: float | None = now + session_limit
        self._sends_created = transport == "websocket" if sends_created is None else sends_created
        self._channels: dict[str, None] = {}
        self._generations: list[Generation] = []
        self._is_closed = False
        self._has_responded = False
        self.session = Session(
            session_id=session_id,
            config=config,
            out=self._out,
            voice=self._voice,
            make_ear=make_ear,
            expires_at=int(self._expires),
            call_format={"PCMU": PCMU, "PCMA": PCMA}.get(codec) if transport == "sip" else None,
            has_output_buffer=transport != "websocket",
            sends_rate_limits=sends_rate_limits,
            transcribe=model.transcribe if transcribes(model) else faithfully,
            ends_turn=model.ends_turn if ends_turns(model) else lambda heard, config: None,
        )
        self._prompting = Prompting.of(model, self.session, has_media=transport != "websocket")
        self._listings = Listings(self.session.mcp, model)
        self._is_listing = False
        if transport != "websocket":
            self._list_servers(now)

    # Input: channels

    def attach(self, channel_id: str, now: float, *, greets: bool = False) -> None:
        """A channel gets every event from now on; nothing is replayed. `greets`: it is the session's own, not a
        sideband."""
        self._channels[channel_id] = None
        if self._sends_created or greets:
            self._out.send_to(channel_id, "session.created", session=self.session.shown())
            if self._out.sends_legacy:
                shown = {"id": self.session.conversation.id, "object": "realtime.conversation"}
                self._out.send_to(channel_id, "conversation.created", conversation=shown)
        self._list_servers(now)
        if self._prompting is not None and not self._is_closed:
            self._prompting.attached()
            self._respond(now)

    def detach(self, channel_id: str, now: float) -> None:
        """A channel is gone; the session lives on."""
        self._channels.pop(channel_id, None)

    def refuse(self, channel_id: str, error: InvalidRequest) -> None:
        """A message of a channel that nobody read."""
        self._out.send_error(channel_id, error)

    def receive_text(self, channel_id: str, text: str | bytes, now: float, *, in_steps: bool = False) -> None:
        """One message of a channel. Whatever is wrong with it becomes an `error` event for that channel.

        `in_steps` leaves sound of more than some seconds unheard: while `is_behind` then, call `go_on`, and let others
        have their turn in between. The session answers nothing of it before all was heard.
        """
        if self._is_closed:
            return
        event_id: str | None = None
        try:
            parsed = parse_client_event(text, has_output_buffer=self.session.has_output_buffer)
            event_id = parsed.event.event_id
            self._out.record("event.client", channel=channel_id, event=_journalled(parsed, len(text)))
            self.session.handle(parsed.event, channel_id)
        except InvalidEvent as error:
            self._out.record("event.client", channel=channel_id, event=error.event, error=error.message)
            self._out.send_error(channel_id, error, client_event_id=error.event_id)
        except InvalidRequest as error:
            self._out.send_error(channel_id, error, client_event_id=event_id)
        while self.is_behind and not in_steps:
            self.session.go_on()
        if not self.is_behind:
            self._respond(now)

    def go_on(self, now: float) -> None:
        """The next step of what `receive_text` left."""
        if self._is_closed:
            return
        self.session.go_on()
        if not self.is_behind:
            self._respond(now)

    # Input: the leg

    def receive_audio(self, samples: Samples, now: float) -> None:
        """The next 20 ms of the caller, 8 kHz."""
        if not self._is_closed:
            self.session.hear(samples)
            self._respond(now)

    def receive_dtmf(self, digit: str, now: float) -> None:
        """The caller pressed a key."""
        if not self._is_closed:
            self.session.press(digit, now)
            if self._prompting is not None:
                self._prompting.pressed(digit)
                self._respond(now)

    def handle_timer(self, now: float) -> None:
        """Time has reached `next_deadline()`."""
        if self._is_closed:
            return
        self._listings.advance(now)
        self._advance(now)
        if self._prompting is not None:
            self._prompting.handle_timer(now)
        self._respond(now)
        if self._expires is not None and now >= self._expires:
            self._expire()

    def close(self, now: float) -> None:
        """The session is over: nothing is sent any more, what was not said is lost [OBS]."""
        self._is_closed = True
        self._expires = None
        self._prompting = None
        self._generations.clear()

    # Output

    def read_audio(self, now: float) -> Samples | None:
        """The next 20 ms for the caller, or None when there is nothing to say."""
        if self._is_closed:
            return None
        frame = self.session.output.read()
        if self._prompting is not None:
            self._prompting.flows()
        if frame is None or self._prompting is not None:
            self._respond(now)  # the end of playback begins the wait for the caller
        return frame

    def next_effect(self) -> HostEffect | None:
        """What to do next, in order; None when all is done."""
        return self._out.take()

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called."""
        if self._is_closed:
            return None
        due = [generation.due for generation in self._generations]
        due += self._listings.deadlines
        due += (self.session.next_deadline(), self._expires)
        if self._prompting is not None:
            due.append(self._prompting.deadline)
        return min((each for each in due if each is not None and each != WAITING), default=None)

    @property
    def hears_speech(self) -> bool:
        """Whether the caller is in the middle of something: only what is heard next can end it."""
        return self.session.input.is_speaking

    @property
    def is_behind(self) -> bool:
        """Whether `go_on` has something to do."""
        return self.session.is_behind and not self._is_closed

    @property
    def has_responded(self) -> bool:
        """Whether any response has begun."""
        return self._has_responded

    @property
    def speaking(self) -> bool:
        """Whether something is left to be played."""
        return self.session.output.is_playing

    # Private

    def _list_servers(self, now: float) -> None:
        """Those of the session's first configuration: once, when there is somebody to tell, or a call [CHOICE]."""
        if not self._is_listing:
            self._is_listing = True
            self.session.mcp.use(self.session.config.tools)
            self._listings.begin(now)

    def _respond(self, now: float) -> None:
        """Ask the model for each response that began, by itself too if it wants to speak."""
        self._listings.begin(now)
        self._advance(now)
        while True:
            self.session.pass_time(now)
            while (begun := self.session.next_begun()) is not None:
                if begun.response.is_active:  # else cancelled by what came right behind its cause
                    self._generate(begun, now)
            if self._prompting is None or not self._prompting.begin(now):
                return

    def _generate(self, begun: BegunResponse, now: float) -> None:
        turn = Turn(
            cause=begun.cause,
            options=begun.response.options,
            config=self.session.config,
            conversation=self.session.conversation,
            input=begun.input,
            mcp_tools=self.session.mcp.available(begun.response.options.tools),
        )
        self._has_responded = True
        if self._prompting is not None:
            self._prompting.begun(begun.response, now)
        outputs = self._model.respond(turn)
        generation = Generation(
            begun.response, outputs, session=self.session, voice=self._voice, out=self._out, now=now
        )
        self._generations.append(generation)
        self._advance(now)
        self.session.pass_time(now)

    def _advance(self, now: float) -> None:
        for generation in self._generations:
            generation.advance(now)
        self._generations = [generation for generation in self._generations if generation.due is not None]

    def _expire(self) -> None:
        """OBS: an in-band error, then close 1001."""
        self._expires = None
        self._out.send_error(None, InvalidRequest(EXPIRED_MESSAGE, code="session_expired"))
        for channel_id in self._channels:
            self._out.add(CloseChannel(channel_id=channel_id, code=EXPIRED_CLOSE, reason=EXPIRED_MESSAGE))
        self._out.add(SessionExpired())


def _journalled(parsed: Parsed, length: int) -> dict[str, Any]:
    if isinstance(parsed.event, AppendAudio):
        return {"type": "input_audio_buffer.append", "audio_bytes": len(parsed.event.audio)}
    return redacted_event(parsed.raw) if length <= JOURNALLED else {"type": parsed.raw["type"], "length": length}
