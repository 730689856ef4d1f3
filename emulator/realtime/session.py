"""A Realtime session: configuration, conversation, audio buffers and responses, and what each input makes of them.

What the model says is not decided here. A response that begins is handed out by `next_begun()`; whoever knows a model
drives it (`add_*`, `close_item`) and reports its end by `finish`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..audio.samples import SAMPLE_RATE, Samples
from ..audio.voice import Ear, Voice
from ..errors import InvalidRequest
from . import client_events as client
from .appended import Appended
from .conversation import Conversation, Item
from .events import Outbox
from .idle import IdleTimer
from .input_audio import LEAST_COMMIT_MS, InputAudio, Utterance
from .item_requests import ItemRequests
from .items import shown_item
from .mcp import McpServers
from .output_audio import OutputAudio
from .response import Response, ResponseOptions, Status
from .session_config import SessionConfig, SessionPatch
from .transcription import Transcribe, Transcriber, faithfully

Cause: TypeAlias = Literal["client", "speech", "model"]
"""Who began a response: a `response.create`, the end of the caller's turn, or the model itself."""

EndsTurn: TypeAlias = Callable[[str, SessionConfig], bool | None]
"""Whether the caller's words are a whole turn; None where nobody can tell."""

TOKEN_LIMIT = 15_000_000
"""Tokens a minute, of which `rate_limits.updated` reports what is left [OBS]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunResponse:
    """A response that waits for what the model says. `input` replaces the conversation where it is not None."""

    response: Response
    cause: Cause
    input: tuple[Item, ...] | None


class Session:
    """One session. Inputs are methods; what they cause is in the outbox, in order.

    `call_format` is the audio format that a call negotiated: it wins over any configuration. Without a call there is no
    output buffer either.
    """

    def __init__(
        self,
        *,
        session_id: str,
        config: SessionConfig,
        out: Outbox,
        voice: Voice,
        make_ear: Callable[[], Ear],
        expires_at: int,
        call_format: dict[str, Any] | None,
        has_output_buffer: bool,
        sends_rate_limits: bool,
        transcribe: Transcribe = faithfully,
        ends_turn: EndsTurn = lambda heard, config: None,
    ) -> None:
        self.id = session_id
        self.expires_at = expires_at
        self.has_output_buffer = has_output_buffer
        self._call_format = call_format
        self.config = self._negotiated(config)
        self.conversation = Conversation(out.ids.conversation())
        self.input = InputAudio(
            self.config.turn_detection,
            ear=make_ear(),
            out=out,
            completes=lambda heard: ends_turn(heard, self.config),
        )
        self.output = OutputAudio(out)
        self.active: Response | None = None
        self._idle = IdleTimer(self.config.turn_detection)
        self._transcriber = Transcriber(self.conversation, transcribe=transcribe, out=out)
        self._out = out
        self.mcp = McpServers(self.conversation, out)
        self._items = ItemRequests(
            self.conversation, self.output, voice=voice, make_ear=make_ear, out=out, mcp=self.mcp
        )
        self._sends_rate_limits = sends_rate_limits
        self._begun: deque[BegunResponse] = deque()
        self._others: dict[str, Response] = {}
        self._appended = Appended()
        self._turn_item_id: str | None = None
        self._has_spoken = False

    # Input: the leg

    def hear(self, frame: Samples) -> None:
        """The next 20 ms of the caller."""
        event = self.input.feed(frame)
        if event is None:
            return
        if event.kind == "started":
            self._idle.stop()
            self._turn_item_id = self._out.ids.item()
            self._out.send("input_audio_buffer.speech_started", audio_start_ms=event.at_ms, item_id=self._turn_item_id)
            if self._detection("interrupt_response"):
                self._interrupt()
        else:
            self._turn_item_id = self._turn_item_id or self._out.ids.item()
            self._out.send("input_audio_buffer.speech_stopped", audio_end_ms=event.at_ms, item_id=self._turn_item_id)
            self._commit(self.input.take(), responds=self._detection("create_response"))

    def press(self, digit: str, now: float) -> None:
        """The caller pressed a key."""
        self._out.send_without_id("input_audio_buffer.dtmf_event_received", event=digit, received_at=int(now))

    # Input: time

    def pass_time(self, now: float) -> None:
        """Call it after every input, and when `next_deadline()` has come."""
        self._transcriber.advance(now)
        if self.active is not None or self.output.is_playing:
            return  # the wait for the caller begins behind it
        was_listening = self._idle.is_listening
        is_over = self._idle.advance(now)
        if self._idle.is_listening and not was_listening:
            self.input.keep()
        if is_over:
            self._time_out()

    # Input: client events

    def handle(self, event: client.ClientEvent, channel_id: str | None) -> None:
        """Act on one client event. Raises `InvalidRequest` where it can't be done; then nothing was.

        While `is_behind` then, `go_on`; whatever comes first, another event is handled behind it.
        """
        while self.is_behind:
            self.go_on()
        _HANDLERS[type(event)](self, event, channel_id)

    def _update(self, event: client.SessionUpdate, channel_id: str | None) -> None:
        patch = event.patch
        if patch["type"] != self.config.type:
            if patch["type"] == "transcription":  # OBS for the message; nobody has shown code and param
                raise InvalidRequest(
                    "Passing a transcription session update event to a realtime session is not allowed."
                )
            raise InvalidRequest("Passing a realtime session update event to a transcription session is not allowed.")
        if "tools" in patch:
            patch = SessionPatch({**patch, "tools": self.mcp.resolve(patch["tools"], "session.tools")})
        config = self._negotiated(self.config.updated(patch))
        self._check_change(config)
        if config.turn_detection != self.config.turn_detection:
            self.input.configure(config.turn_detection)
            self._idle.configure(config.turn_detection)
        self.config = config
        self._out.send("session.updated", session=self.shown())
        self.mcp.use(config.tools, again="tools" in patch)

    def _check_change(self, config: SessionConfig) -> None:
        """Raises for what may not become another in a session, or not now: then the whole update is refused [OBS]."""
        self._check_voice(config.voice)
        if self.config.tracing is not None and config.tracing != self.config.tracing:  # DOC; the words are ours
            raise InvalidRequest("Cannot update tracing once it is enabled.", param="session.tracing")
        if self.active is not None and config.speed != self.config.speed:  # DOC; the words are ours
            raise InvalidRequest(
                f"Cannot update speed while a response is in progress: {self.active.id}.",
                param="session.audio.output.speed",
            )

    def _check_voice(self, voice: Any) -> None:
        if voice != self.config.voice and self._has_spoken:
            raise InvalidRequest(
                "Cannot update a conversation's voice if assistant audio is present.", code="cannot_update_voice"
            )

    def go_on(self) -> None:
        """Hear the next seconds of what was appended."""
        self._hear_all(self._appended.read())

    def _append(self, event: client.AppendAudio, channel_id: str | None) -> None:
        self._appended.append(event.audio, self.config.input_format)
        self.go_on()

    def _commit_by_client(self, event: client.CommitAudio, channel_id: str | None) -> None:
        self._hear_all(self._appended.flush())
        buffered = self.input.buffered_ms
        if buffered < LEAST_COMMIT_MS:
            raise InvalidRequest(
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{LEAST_COMMIT_MS}ms of audio, but buffer only has {buffered:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        self._commit(self.input.take(with_rest=True), responds=False)

    def _clear_input(self, event: client.ClearAudio, channel_id: str | None) -> None:
        self._appended.flush()  # else what the resampler still holds of it would come with the next commit
        self.input.clear()
        self._turn_item_id = None
        self._out.send("input_audio_buffer.cleared")

    def _clear_output(self, event: client.ClearOutput, channel_id: str | None) -> None:
        self._items.truncate_unheard(self.output.clear())

    def _create_item(self, event: client.CreateItem, channel_id: str | None) -> None:
        self._items.create(event, self.config)

    def _retrieve_item(self, event: client.RetrieveItem, channel_id: str | None) -> None:
        self._items.retrieve(event, channel_id, self.config)

    def _delete_item(self, event: client.DeleteItem, channel_id: str | None) -> None:
        self._items.delete(event)

    def _truncate_item(self, event: client.TruncateItem, channel_id: str | None) -> None:
        self._items.truncate(event)

    def _create_response(self, event: client.CreateResponse, channel_id: str | None) -> None:
        if self.config.type == "transcription":  # DOC: it answers nothing; nobody has shown how it refuses [CHOICE]
            raise InvalidRequest("A transcription session creates no responses.")
        asked = event.options
        if "tools" in asked:
            asked = {**asked, "tools": self.mcp.resolve(asked["tools"], "response.tools")}
        options = ResponseOptions.of(self.config, asked, call_format=self._call_format)
        self._check_voice(options.voice)  # DOC: nor can one response have another
        if not options.is_out_of_band:
            self._refuse_second_response()
        given = asked.get("input")
        items = None if given is None else self._items.resolve(given, self.config)
        self._begin_response(options, "client", items)

    def _cancel_response(self, event: client.CancelResponse, channel_id: str | None) -> None:
        response = self.active
        if event.response_id is not None and (response is None or response.id != event.response_id):
            response = self._others.get(event.response_id)
        if response is None:
            raise InvalidRequest("Cancellation failed: no active response found", code="response_cancel_not_active")
        item, made = self._cancel(response, "client_cancelled")
        if item is not None:
            # What was made is still played; output_audio_buffer.clear stops that too [DOC].
            self.output.cut(item.id, made)

    # Input: whoever drives a response

    def play(self, response: Response, item: Item, samples: Samples, spoken: str | None) -> None:
        """The sound of a response's open message. `spoken` is the text whose sound it is, if it is a text's."""
        response.add_audio(samples, spoken=spoken)
        self._has_spoken = True
        if self.has_output_buffer:
            self.output.play(response.id, item.id, samples)

    def send_sound(self, response: Response, most: int) -> bool:
        """Send what exists of the open message's sound as events, about `most` samples of it, to clients without an
        output buffer. Returns whether some is left: then let time pass for it to be read, and come again."""
        return not self.has_output_buffer and response.send_audio(most)

    def begin_unasked(self) -> None:
        """The model speaks although nobody asked. No response may be active."""
        self._begin_response(ResponseOptions.of(self.config, {}), "model", None)

    def finish(self, response: Response, status: Status, details: dict[str, Any] | None = None) -> None:
        """The model has nothing more to say in this response; its items are closed."""
        response.finish(status, details)
        self._finished(response)

    # Output

    def next_begun(self) -> BegunResponse | None:
        """The next response that waits for a model."""
        return self._begun.popleft() if self._begun else None

    @property
    def is_behind(self) -> bool:
        """Whether a part of what was appended has not been heard yet."""
        return not self._appended.is_empty

    def next_deadline(self) -> float | None:
        """When `pass_time` wants to be called."""
        telling = self._transcriber.next_deadline()
        idle = None if self.active is not None or self.output.is_playing else self._idle.next_deadline()
        if telling is None or idle is None:
            return idle if telling is None else telling
        return min(telling, idle)

    def shown(self) -> dict[str, Any]:
        """The session object as events carry it."""
        return self.config.as_dict(self.id, self.expires_at)

    # Private: turns

    def _hear_all(self, samples: Samples) -> None:
        for frame in self.input.frames_of(samples):
            self.hear(frame)

    def _detection(self, name: str) -> bool:
        detection = self.config.turn_detection
        return detection is not None and bool(detection[name])

    def _time_out(self) -> None:
        """The caller has been silent for too long: the silence is a turn, and is answered [DOC]."""
        self._turn_item_id = self._out.ids.item()
        self._out.send(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=self.input.kept_from_ms,
            audio_end_ms=self.input.position_ms,
            item_id=self._turn_item_id,
        )
        self._commit(self.input.take(), responds=self._detection("create_response"))

    def _interrupt(self) -> None:
        """The caller speaks: whatever the model says ends."""
        if self.active is not None:
            self._cancel(self.active, "turn_detected")
        self._items.truncate_unheard(self.output.clear())

    def _commit(self, utterance: Utterance, *, responds: bool) -> None:
        item_id = self._turn_item_id or self._out.ids.item()
        self._turn_item_id = None
        previous = self.conversation.last
        item = Item(
            shown_item(
                {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}, item_id
            ),
            audio=utterance.samples,
            spoken=utterance.text,
        )
        self.conversation.append(item)
        previous_id = None if previous is None else previous.id
        self._out.send("input_audio_buffer.committed", previous_item_id=previous_id, item_id=item_id)
        self._items.announce(item, previous)
        if responds and self.config.type == "realtime":
            self._respond_to_speech()
        self._transcriber.tell(item, self.config)

    def _respond_to_speech(self) -> None:
        try:
            self._refuse_second_response()
        except InvalidRequest as error:  # DOC: with interrupt_response false this may fail
            self._out.send_error(None, error)
        else:
            self._begin_response(ResponseOptions.of(self.config, {}), "speech", None)

    # Private: responses

    def _refuse_second_response(self) -> None:
        if self.active is not None:
            raise InvalidRequest(
                f"Conversation already has an active response in progress: {self.active.id}. Wait until the response "
                "is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )

    def _begin_response(self, options: ResponseOptions, cause: Cause, items: tuple[Item, ...] | None) -> None:
        response = Response(
            self._out.ids.response(), options, conversation=self.conversation, out=self._out, items=items
        )
        if options.is_out_of_band:
            self._others[response.id] = response
        else:
            self.active = response
            self._idle.stop()
        response.create()
        self.mcp.use(options.tools)
        self._begun.append(BegunResponse(response=response, cause=cause, input=items))

    def _cancel(self, response: Response, reason: str) -> tuple[Item | None, int]:
        """Returns the item that was open and has sound, if one was, and how many samples of it stay."""
        item = response.open_item
        made = response.made_samples if self.has_output_buffer else response.sent_samples
        response.cancel(reason)
        self._finished(response)
        if item is None or item.audio is None:
            return None, 0
        if not (self.has_output_buffer and reason == "turn_detected"):  # there what was played decides
            item.audio = item.audio[:made]
        return item, made

    def _finished(self, response: Response) -> None:
        self.output.complete(response.id)
        if self.active is response:
            self.active = None
            is_reckoned = not self.has_output_buffer and response.status != "cancelled"
            if not self.input.is_speaking:  # else nobody waits for the caller
                self._idle.answered(response.audio_samples / SAMPLE_RATE if is_reckoned else 0.0)
        else:
            self._others.pop(response.id)
        if self._sends_rate_limits:
            self._send_rate_limits(response)

    def _send_rate_limits(self, response: Response) -> None:
        used = response.usage()["total_tokens"]
        limit = {
            "name": "tokens",
            "limit": TOKEN_LIMIT,
            "remaining": TOKEN_LIMIT - used,
            "reset_seconds": used * 60_000 // TOKEN_LIMIT / 1000,
        }
        self._out.send("rate_limits.updated", rate_limits=[limit])

    def _negotiated(self, config: SessionConfig) -> SessionConfig:
        return config if self._call_format is None else config.with_formats(self._call_format)


_HANDLERS: dict[type, Callable[[Session, Any, str | None], None]] = {
    client.SessionUpdate: Session._update,
    client.AppendAudio: Session._append,
    client.CommitAudio: Session._commit_by_client,
    client.ClearAudio: Session._clear_input,
    client.ClearOutput: Session._clear_output,
    client.CreateItem: Session._create_item,
    client.RetrieveItem: Session._retrieve_item,
    client.TruncateItem: Session._truncate_item,
    client.DeleteItem: Session._delete_item,
    client.CreateResponse: Session._create_response,
    client.CancelResponse: Session._cancel_response,
}
