"""What clients do to the conversation: create, retrieve, delete and truncate items."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from ..audio.samples import SAMPLE_RATE, Samples
from ..audio.voice import Ear, Voice
from ..errors import InvalidRequest
from . import client_events as client
from .audio_formats import decode_whole, encode_whole
from .conversation import Conversation, Item, with_transcript
from .events import Outbox
from .items import shown_item
from .mcp import McpServers
from .output_audio import OutputAudio, Unheard
from .session_config import SessionConfig
from .validation import missing, shown

HEARD_SECONDS = 60
"""How much of the sound of a client's own item the ear listens to [CHOICE]."""


class ItemRequests:
    """Each request is done and announced as a whole, or raises `InvalidRequest` and nothing was done."""

    def __init__(
        self,
        conversation: Conversation,
        output: OutputAudio,
        *,
        voice: Voice,
        make_ear: Callable[[], Ear],
        out: Outbox,
        mcp: McpServers,
    ) -> None:
        self._mcp = mcp
        self._conversation = conversation
        self._output = output
        self._voice = voice
        self._make_ear = make_ear
        self._out = out

    # Input: client events

    def create(self, event: client.CreateItem, config: SessionConfig) -> None:
        """Put the client's item where it wants it. Sound in it is in the formats of `config`."""
        given = event.item
        _refuse_sound_of_the_model(given)
        if (item_id := given.get("id")) is not None and self._conversation.get(item_id) is not None:
            raise InvalidRequest(
                f"Error adding item: an item with id '{shown(item_id)}' already exists.",
                code="invalid_value",
                param="item.id",
            )
        previous = self._predecessor(event.previous_item_id)
        is_answer = given["type"] == "mcp_approval_response"
        if is_answer:
            self._mcp.check_answer(given)
        item = self._item_of(given, item_id or self._out.ids.item(), "item", config)
        self._conversation.insert(item, previous)
        self.announce(item, previous)
        if is_answer:
            self._mcp.answer(given)

    def retrieve(self, event: client.RetrieveItem, channel_id: str | None, config: SessionConfig) -> None:
        """Show an item to the channel that asked, with its sound in the formats of `config` [DOC]."""
        item = self._find(event.item_id, "retrieve", "retrieving")
        self._out.send_to(channel_id, "conversation.item.retrieved", item=_with_sound(item, config))

    def delete(self, event: client.DeleteItem) -> None:
        """Take an item out of the conversation; what of it is being played goes on."""
        self._conversation.remove(self._find(event.item_id, "delete", "deleting"))
        self._out.send("conversation.item.deleted", item_id=event.item_id)

    def truncate(self, event: client.TruncateItem) -> None:
        """Keep only the beginning of what the model said: it is played no longer, and remembered no longer."""
        item = self._conversation.get(event.item_id)
        if item is None:
            raise InvalidRequest(
                f"Item with item_id not found: {shown(event.item_id)}",
                code="item_truncate_invalid_item_id",
                param="item_id",
            )
        if item.audio is None or item.role != "assistant" or event.content_index != 0:
            raise InvalidRequest("Only model output audio messages can be truncated")
        if event.audio_end_ms > item.audio_ms:
            raise InvalidRequest(
                f"Audio content of {item.audio_ms}ms is already shorter than {shown(event.audio_end_ms)}ms",
                code="invalid_value",
                param="audio_end_ms",
            )
        samples = event.audio_end_ms * SAMPLE_RATE // 1000
        self._output.cut(item.id, samples)
        self._truncate(item, samples, event.audio_end_ms)

    # Input: the session

    def resolve(self, given: list[dict[str, Any]], config: SessionConfig) -> tuple[Item, ...]:
        """The `input` of a `response.create`: items of its own, and references to those of the conversation."""
        return tuple(self._resolved(each, f"response.input[{index}]", config) for index, each in enumerate(given))

    def announce(self, item: Item, previous: Item | None) -> None:
        """Say that an item which is complete came behind `previous`."""
        previous_id = None if previous is None else previous.id
        self._out.send_added(previous_id, item.shown)
        self._out.send("conversation.item.done", previous_item_id=previous_id, item=item.shown)

    def truncate_unheard(self, unheard: list[Unheard]) -> None:
        """The output was cleared: keep of each item what was played."""
        for part in unheard:
            if (item := self._conversation.get(part.item_id)) is not None:
                self._truncate(item, part.played, part.played_ms)

    # Private

    def _item_of(self, given: dict[str, Any], item_id: str, path: str, config: SessionConfig) -> Item:
        if given["type"] == "function_call" and "call_id" not in given:
            given = {**given, "call_id": self._out.ids.function_call()}
        item = Item(shown_item(given, item_id))
        lengths = [0] * len(given.get("content", ()))
        for index, part in enumerate(given.get("content", ())):
            if part.get("audio"):
                data = client.decode_audio(part["audio"], f"{path}.content[{index}].audio")
                is_input = part["type"] == "input_audio"
                sound = decode_whole(data, config.input_format if is_input else config.output_format)
                lengths[index] = len(sound)
                words = part.get("transcript") or self._listen_to(sound)
                item.audio = sound if item.audio is None else np.concatenate((item.audio, sound))
                item.spoken = words if item.spoken is None else f"{item.spoken} {words}"
        item.lengths = tuple(lengths)
        return item

    def _resolved(self, given: dict[str, Any], path: str, config: SessionConfig) -> Item:
        if given["type"] != "item_reference":
            return self._item_of(given, given.get("id") or self._out.ids.item(), path, config)
        item = self._conversation.get(given["id"])
        if item is None:
            raise InvalidRequest(
                f"Item with item_id not found: {shown(given['id'])}", code="invalid_value", param=f"{path}.id"
            )
        return item

    def _predecessor(self, previous_item_id: str | None) -> Item | None:
        if not previous_item_id:
            return self._conversation.last
        if previous_item_id == "root":
            return None
        previous = self._conversation.get(previous_item_id)
        if previous is None:  # a third party's wording; nobody has shown the service's
            raise InvalidRequest(
                f"Error adding item: the previous item with id '{shown(previous_item_id)}' does not exist.",
                code="item_create_invalid_previous_item_id",
                param="previous_item_id",
            )
        return previous

    def _listen_to(self, samples: Samples) -> str:
        """What a whole piece of sound says."""
        ear = self._make_ear()
        heard = ear.feed(samples[: HEARD_SECONDS * SAMPLE_RATE]) + ear.flush()
        return " ".join(piece.text for piece in heard)

    def _find(self, item_id: str, verb: str, doing: str) -> Item:
        item = self._conversation.get(item_id)
        if item is None:  # OBS, codes and words
            raise InvalidRequest(
                f"Error {doing} item: the item with id '{shown(item_id)}' does not exist.",
                code=f"item_{verb}_invalid_item_id",
            )
        return item

    def _truncate(self, item: Item, samples: int, audio_end_ms: int) -> None:
        """Keep of an item only what the caller heard of it, in the model's memory too [DOC]."""
        heard = "" if item.spoken is None else self._voice.heard_prefix(item.spoken, samples)
        item.spoken = heard
        item.audio = None if item.audio is None else item.audio[:samples]
        if item.shown["content"]:
            said = item.shown["content"][0].get("transcript") or ""
            item.shown = {
                **with_transcript(item.shown, 0, heard if said.startswith(heard) else said),
                "status": "incomplete",
            }
        self._conversation.changed(item)
        self._out.send("conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=audio_end_ms)


def _refuse_sound_of_the_model(given: dict[str, Any]) -> None:
    """A client may not say what was spoken in the model's place, only what was written [DOC]; the code and the words
    are those of openai-agents-js issue 963 [OBS]."""
    for index, part in enumerate(given.get("content", ())):
        if part["type"] == "output_audio":
            raise missing(f"item.content[{index}].text")


def _with_sound(item: Item, config: SessionConfig) -> dict[str, Any]:
    """An item as it is retrieved: with the sound that was heard or said, as far as it was not truncated."""
    if item.audio is None or not item.shown["content"]:
        return item.shown
    content, start = [], 0
    for index, part in enumerate(item.shown["content"]):
        kind = part["type"]
        if kind in ("input_audio", "output_audio"):
            end = start + item.lengths[index] if item.lengths else len(item.audio)
            audio_format = config.input_format if kind == "input_audio" else config.output_format
            sound = base64.b64encode(encode_whole(item.audio[start:end], audio_format)).decode()
            part, start = {**part, "audio": sound}, end
        content.append(part)
    return {**item.shown, "content": content}
