"""One response of the model, from `response.created` to `response.done`: which event follows which."""

import base64
from dataclasses import dataclass, field
from typing import Any, Literal

from ..audio.samples import SAMPLE_RATE, Samples
from ..errors import EmulatorBug
from .audio_formats import encode_whole, sample_bytes
from .conversation import Conversation, Item, tokens_in, tokens_of
from .events import Outbox, delta_event
from .session_config import SessionConfig

Status = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]

OUTPUT_AUDIO_TOKENS = 20
"""Tokens that a second of the model's sound counts for, roughly [OBS]."""

DELTA_SAMPLES = SAMPLE_RATE // 5
"""How much sound one `response.output_audio.delta` carries [CHOICE: the recorder shortened them]."""

NO_CACHE = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseOptions:
    """What one response goes by: the session's configuration, overridden by its `response.create`."""

    instructions: str | None
    """Of this response only; None where it has none of its own."""
    output_modalities: list[str]
    audio_format: dict[str, Any]
    voice: Any
    tools: list[dict[str, Any]]
    tool_choice: Any
    max_output_tokens: int | Literal["inf"]
    metadata: dict[str, str] | None
    is_out_of_band: bool
    """Whether its items stay out of the conversation."""

    @classmethod
    def of(
        cls, config: SessionConfig, given: dict[str, Any], *, call_format: dict[str, Any] | None = None
    ) -> "ResponseOptions":
        """`given` is the validated `response` of a `response.create`, or empty. What a call negotiated wins."""
        output = given.get("audio", {}).get("output", {})
        return cls(
            instructions=given.get("instructions"),
            output_modalities=given.get("output_modalities", config.output_modalities),
            audio_format=call_format or output.get("format", config.output_format),
            voice=output.get("voice", config.voice),
            tools=given.get("tools", config.tools),
            tool_choice=given.get("tool_choice", config.tool_choice),
            max_output_tokens=given.get("max_output_tokens", config.max_output_tokens),
            metadata=given.get("metadata"),
            is_out_of_band=given.get("conversation") == "none",
        )

    @property
    def speaks(self) -> bool:
        return "audio" in self.output_modalities


@dataclass(slots=True, eq=False)
class _Opened:
    """An item of a response that is being made, and what of it was sent."""

    item: Item
    index: int
    place: dict[str, Any]
    """What its events say of where they belong; those of a message name its content part too."""
    delta: dict[str, Any] = field(default_factory=dict)
    """What is sent for each piece of its text, but for the piece."""
    done_previous_id: str | None = None
    text: list[str] = field(default_factory=list)
    expected: int = 0
    encoded: bytes = b""
    sent_samples: int = 0
    is_ended: bool = False
    """Whether an MCP call has all its arguments."""
    is_running: bool = False


class Response:
    """Sends a response's events: `open_*`, `add_*`, `close_item` for each item; then `finish`.

    What is added goes to the item that was opened last. One that was opened before it may still be open, as was
    recorded of a message that is followed by a call [OBS]. `cancel` closes whatever is open. The caller of these
    methods decides what is said, and when.
    """

    def __init__(
        self,
        response_id: str,
        options: ResponseOptions,
        *,
        conversation: Conversation,
        out: Outbox,
        items: tuple[Item, ...] | None = None,
    ) -> None:
        """`items` are read in place of the conversation, where there are any."""
        self.id = response_id
        self.options = options
        self.status: Status = "in_progress"
        self.text_tokens = 0
        self.audio_samples = 0
        self._conversation = conversation
        self._input_tokens = _input_tokens(options, conversation, items)
        self._out = out
        self._opened: list[_Opened] = []
        self._count = 0
        self._output: dict[int, dict[str, Any]] = {}

    # Input: the life of the response

    def create(self) -> None:
        self._out.send("response.created", response=self._shown(None, None))

    def finish(self, status: Status, details: dict[str, Any] | None = None) -> None:
        """Send `response.done`. Every item must be closed."""
        if self._opened or not self.is_active:
            raise EmulatorBug(f"response {self.id} is finished as {status} while {self.status}, open {self._opened}")
        self.status = status
        self._out.send("response.done", response=self._shown(details, self.usage()))

    def cancel(self, reason: str) -> None:
        """Close what is open as incomplete, and the response as cancelled."""
        while self._opened:
            self.close_item("incomplete", item=self._opened[0].item)
        self.finish("cancelled", {"type": "cancelled", "reason": reason})

    # Input: its items

    def open_message(self, *, expected: int) -> Item:
        """Begin a message; its one content part is sound with a transcript, or text. `expected` is how many pieces of
        text it will have."""
        item = Item({"id": "", "type": "message", "status": "in_progress", "role": "assistant", "content": []})
        opened = self._open(item)
        opened.expected = expected
        opened.place["content_index"] = 0
        kind = "response.output_audio_transcript.delta" if self.options.speaks else "response.output_text.delta"
        opened.delta = delta_event(kind, **opened.place)
        part = {"type": "audio", "transcript": ""} if self.options.speaks else {"type": "text", "text": ""}
        self._out.send("response.content_part.added", **opened.place, part=part)
        return item

    def open_call(self, name: str) -> Item:
        """Begin a function call."""
        call_id = self._out.ids.function_call()
        item = Item(
            {
                "id": "",
                "type": "function_call",
                "status": "in_progress",
                "name": name,
                "call_id": call_id,
                "arguments": "",
            }
        )
        opened = self._open(item)
        opened.delta = delta_event("response.function_call_arguments.delta", **opened.place, call_id=call_id)
        return item

    def open_mcp_call(self, server_label: str, name: str) -> Item:
        """Begin the call of an MCP server's tool. `add_text`, `end_arguments`, and if it runs, `run_mcp_call` and
        `end_mcp_call`; then `close_item`."""
        item = Item(
            {
                "id": "",
                "type": "mcp_call",
                "server_label": server_label,
                "name": name,
                "arguments": "",
                "approval_request_id": None,
                "output": None,
                "error": None,
            }
        )
        opened = self._open(item)
        opened.delta = delta_event("response.mcp_call_arguments.delta", **opened.place)
        return item

    def add_text(self, delta: str) -> None:
        """One piece of what the open message says, or of the open call's arguments."""
        opened = self._last()
        opened.text.append(delta)
        self.text_tokens += 1
        self._out.send_delta(opened.delta, delta)

    def end_arguments(self) -> None:
        """All arguments of the open MCP call were added."""
        self._end_arguments(self._last())

    def run_mcp_call(self, *, approval_request_id: str | None = None) -> None:
        """The open MCP call's tool runs."""
        opened = self._last()
        opened.is_running = True
        opened.item.shown = {**opened.item.shown, "approval_request_id": approval_request_id}
        self._send_of_mcp_call(opened, "in_progress")

    def end_mcp_call(
        self, *, output: str | None, error: dict[str, Any] | None = None, approval_request_id: str | None = None
    ) -> None:
        """The tool has run, or failed to: `error` is one of `protocol_error`, `http_error`, `tool_execution_error`."""
        opened = self._last()
        opened.is_running = False
        about = {} if approval_request_id is None else {"approval_request_id": approval_request_id}
        opened.item.shown = {**opened.item.shown, **about, "output": output, "error": error}
        self._send_of_mcp_call(opened, "completed" if error is None else "failed")

    def add_audio(self, samples: Samples, *, spoken: str | None) -> None:
        """The sound of the open message, and the text whose sound it is. Where it is played is the caller's affair."""
        item = self._last().item
        item.audio, item.spoken = samples, spoken
        self.audio_samples += len(samples)

    def send_audio(self, most: int) -> bool:
        """Send of the open message's sound what exists by now and was not sent yet, in pieces, `most` samples or a bit
        more. Returns whether that left some."""
        opened = self._last()
        item = opened.item
        if item.audio is None:
            return False
        made = self.made_samples
        if made < len(item.audio):
            made -= made % DELTA_SAMPLES  # the rest of a piece comes with what is made next
        if not opened.encoded:
            opened.encoded = encode_whole(item.audio, self.options.audio_format)
        until = min(made, opened.sent_samples + most)
        while opened.sent_samples < until:
            end = min(opened.sent_samples + DELTA_SAMPLES, made)
            self._send_piece(opened, end)
            opened.sent_samples = end
        return opened.sent_samples < made

    def close_item(self, status: Literal["completed", "incomplete"] = "completed", *, item: Item | None = None) -> None:
        """End an open item with what was added to it: `item`, or the one that was opened last."""
        opened = self._last() if item is None else self._find(item)
        item, text = opened.item, "".join(opened.text)
        if item.type == "message":
            item.shown = {**item.shown, "status": status, "content": [self._close_part(opened, text)]}
        elif item.type == "function_call":
            call_id, name = item.shown["call_id"], item.shown["name"]
            self._out.send(
                "response.function_call_arguments.done",
                **opened.place,
                call_id=call_id,
                name=name,
                arguments=text,
            )
            item.shown = {**item.shown, "status": status, "arguments": text}
        else:
            self._close_mcp_call(opened)
        self._close(opened)

    # Queries

    @property
    def is_active(self) -> bool:
        return self.status == "in_progress"

    @property
    def output(self) -> list[dict[str, Any]]:
        """The items that are done, in the order of their indexes."""
        return [self._output[index] for index in sorted(self._output)]

    @property
    def open_item(self) -> Item | None:
        """The one that was opened last, if it is still open."""
        return self._opened[-1].item if self._opened else None

    @property
    def made_samples(self) -> int:
        """How much of the open item's sound exists by now: as much as of its text, all where it has none."""
        if not self._opened or (sound := self._opened[-1].item.audio) is None:
            return 0
        opened = self._opened[-1]
        return len(sound) * len(opened.text) // opened.expected if opened.expected else len(sound)

    @property
    def sent_samples(self) -> int:
        """How much of the open item's sound `send_audio` has sent."""
        return self._opened[-1].sent_samples if self._opened else 0

    @property
    def audio_tokens(self) -> int:
        return self.audio_samples * OUTPUT_AUDIO_TOKENS // SAMPLE_RATE

    def usage(self) -> dict[str, Any]:
        """Tokens, estimated. The input is what was there when the response began."""
        text, audio = self.text_tokens, self.audio_tokens
        input_text, input_audio = self._input_tokens
        return {
            "total_tokens": input_text + input_audio + text + audio,
            "input_tokens": input_text + input_audio,
            "output_tokens": text + audio,
            "input_token_details": {
                "text_tokens": input_text,
                "audio_tokens": input_audio,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": NO_CACHE,
            },
            "output_token_details": {"text_tokens": text, "audio_tokens": audio},
        }

    # Private

    def _open(self, item: Item) -> _Opened:
        item.shown["id"] = self._out.ids.item()
        place = {"response_id": self.id, "item_id": item.id, "output_index": self._count}
        opened = _Opened(item, self._count, place)
        self._opened.append(opened)
        self._count += 1
        self._out.send("response.output_item.added", response_id=self.id, output_index=opened.index, item=item.shown)
        if not self.options.is_out_of_band:
            previous = self._conversation.last
            is_second = previous is not None and self._conversation.is_beginning(previous)
            self._conversation.append(item)  # which may forget its predecessor
            # OBS: in `done` the predecessor is missing where it is the conversation's first item.
            opened.done_previous_id = None if previous is None or is_second else previous.id
            self._out.send_added(None if previous is None else previous.id, item.shown)
        return opened

    def _close(self, opened: _Opened) -> None:
        item = opened.item
        if not self.options.is_out_of_band:
            self._conversation.changed(item)
            self._out.send("conversation.item.done", previous_item_id=opened.done_previous_id, item=item.shown)
        self._out.send("response.output_item.done", response_id=self.id, output_index=opened.index, item=item.shown)
        self._output[opened.index] = item.shown
        self._opened.remove(opened)

    def _close_mcp_call(self, opened: _Opened) -> None:
        if not opened.is_ended:
            self._end_arguments(opened)
        if opened.is_running:  # the response is cut off: what runs then has no result [CHOICE]
            error = {"type": "tool_execution_error", "message": "The response was cancelled."}
            opened.item.shown = {**opened.item.shown, "error": error}
            self._send_of_mcp_call(opened, "failed")

    def _end_arguments(self, opened: _Opened) -> None:
        opened.is_ended = True
        text = "".join(opened.text)
        opened.item.shown = {**opened.item.shown, "arguments": text}
        self._out.send("response.mcp_call_arguments.done", **opened.place, arguments=text)

    def _send_of_mcp_call(self, opened: _Opened, what: str) -> None:
        """These events do not name their response [SDK]."""
        self._out.send(f"response.mcp_call.{what}", item_id=opened.item.id, output_index=opened.index)

    def _send_piece(self, opened: _Opened, end: int) -> None:
        size = sample_bytes(self.options.audio_format)
        delta = base64.b64encode(opened.encoded[opened.sent_samples * size : end * size]).decode()
        self._out.send("response.output_audio.delta", **opened.place, delta=delta)

    def _close_part(self, opened: _Opened, text: str) -> dict[str, Any]:
        """Send what ends the content part. Returns the part as the item shows it, not as these events do [OBS]."""
        place = opened.place
        if self.options.speaks:
            self._out.send("response.output_audio.done", **place)
            self._out.send("response.output_audio_transcript.done", **place, transcript=text)
            part = {"type": "audio", "transcript": text}
            shown = {"type": "output_audio", "transcript": text}
        else:
            self._out.send("response.output_text.done", **place, text=text)
            part = {"type": "text", "text": text}
            shown = {"type": "output_text", "text": text}
        self._out.send("response.content_part.done", **place, part=part)
        return shown

    def _last(self) -> _Opened:
        if not self._opened:
            raise EmulatorBug(f"response {self.id} has no open item")
        return self._opened[-1]

    def _find(self, item: Item) -> _Opened:
        for opened in self._opened:
            if opened.item is item:
                return opened
        raise EmulatorBug(f"response {self.id} has no open item {item.id}")

    def _shown(self, details: dict[str, Any] | None, usage: dict[str, Any] | None) -> dict[str, Any]:
        options = self.options
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": details,
            "output": self.output,
            "conversation_id": None if options.is_out_of_band else self._conversation.id,
            "output_modalities": options.output_modalities,
            "max_output_tokens": options.max_output_tokens,
            "audio": {"output": {"format": options.audio_format, "voice": options.voice}},
            "usage": usage,
            "metadata": options.metadata,
        }


def _input_tokens(
    options: ResponseOptions, conversation: Conversation, items: tuple[Item, ...] | None
) -> tuple[int, int]:
    """What a response reads, of text and of sound: the conversation, or what was given in its place."""
    told = tokens_of(len(options.instructions or ""))
    if items is None:
        return conversation.text_tokens + told, conversation.audio_tokens
    counts = [tokens_in(item) for item in items]
    return sum(count[0] for count in counts) + told, sum(count[1] for count in counts)
