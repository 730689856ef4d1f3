"""What becomes of the caller's words in events: transcription has a model of its own [DOC].

No such model is there: the ear has understood the words already, so all events come at once, right behind the commit,
unless a model wants them later, among those of the response as they were recorded [OBS]. Which kind of usage, segments
and languages they have follows the name of the configured model.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..audio.samples import SAMPLE_RATE
from .conversation import Conversation, Item, with_transcript
from .events import Outbox, delta_event, pieces
from .session_config import SessionConfig

LOGPROBS = "item.input_audio_transcription.logprobs"
PREFIX = "conversation.item.input_audio_transcription"

LOGPROB = -0.01
"""Of each token: nobody doubted what was heard [CHOICE]."""
SPEAKER = "A"
"""DOC: without known names speakers are lettered. A session has one caller, so there is no other [CHOICE]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionFailure:
    """The transcription of one item fails: the content of its `failed` event's error [SDK]."""

    message: str
    type: str = "server_error"
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """What is told only `delay` seconds behind the commit, with `pace` seconds between two pieces of a text."""

    told: str | TranscriptionFailure
    delay: float = 0.0
    pace: float = 0.0


Transcript: TypeAlias = str | TranscriptionFailure | Slow
Transcribe: TypeAlias = Callable[[str, SessionConfig], Transcript]
"""From what was heard to what is told of it."""


def faithfully(heard: str, config: SessionConfig) -> Transcript:
    """What was said is what is written."""
    return heard


class _Telling:
    """The events of one item, told as `steps` goes on, which yields how long to wait."""

    def __init__(self, item: Item, steps: Iterator[float]) -> None:
        self.item = item
        self.wait = next(steps, None)
        """None: all is told."""
        self.due: float | None = None
        """When it goes on; None before it was advanced at all."""
        self._steps = steps

    def advance(self, now: float) -> None:
        """Tell what is due."""
        while self.wait is not None:
            if self.due is None:
                self.due = now + self.wait
            if self.due > now:
                return
            self.wait = next(self._steps, None)
            self.due += self.wait or 0.0


class Transcriber:
    """Tells what was said in items that were committed. The conversation keeps what was told."""

    def __init__(self, conversation: Conversation, *, transcribe: Transcribe, out: Outbox) -> None:
        self._conversation = conversation
        self._transcribe = transcribe
        self._out = out
        self._tellings: list[_Telling] = []
        """Those that are not at their end."""

    def tell(self, item: Item, config: SessionConfig) -> None:
        """The events of one item, whose sound is committed; none where transcription is not configured. Some of them
        may be due later: `advance`."""
        if config.transcription is None:
            return
        result = self._transcribe(item.spoken or "", config)
        slow = result if isinstance(result, Slow) else Slow(told=result)
        telling = _Telling(item, self._steps(item, slow, config, str(config.transcription["model"] or "whisper-1")))
        if telling.wait is not None:
            self._tellings.append(telling)

    def advance(self, now: float) -> None:
        """Tell what is due; nothing of an item that is not in the conversation any more [CHOICE]."""
        if not self._tellings:  # as it mostly is, after each of all inputs
            return
        kept = [each for each in self._tellings if self._conversation.get(each.item.id) is each.item]
        for telling in kept:
            telling.advance(now)
        self._tellings = [telling for telling in kept if telling.wait is not None]

    def next_deadline(self) -> float | None:
        """When `advance` is to be called next; None before it was called at all."""
        if not self._tellings:
            return None
        return min((telling.due for telling in self._tellings if telling.due is not None), default=None)

    def _steps(self, item: Item, slow: Slow, config: SessionConfig, model: str) -> Iterator[float]:
        if slow.delay:
            yield slow.delay
        if isinstance(slow.told, TranscriptionFailure):
            self._fail(item, slow.told)
        else:
            yield from self._complete(item, slow.told, slow.pace, config, model)

    def _fail(self, item: Item, failure: TranscriptionFailure) -> None:
        error = {"type": failure.type, "code": failure.code, "message": failure.message, "param": None}
        self._out.send(f"{PREFIX}.failed", **_place(item), error=error)

    def _complete(self, item: Item, text: str, pace: float, config: SessionConfig, model: str) -> Iterator[float]:
        parts = pieces(text)
        has_logprobs = LOGPROBS in (config.include or ())
        for index, part in enumerate(parts):
            if index and pace:
                yield pace
            more = {"logprobs": [_logprob(part)]} if has_logprobs else {}
            self._out.send_delta(delta_event(f"{PREFIX}.delta", **_place(item), **more), part)
        if "diarize" in model and text:  # SDK: who needs labels of speakers uses that model
            self._out.send(f"{PREFIX}.segment", **_place(item), **_segment(item, text, self._out.ids.segment()))
        item.shown = with_transcript(item.shown, 0, text)
        self._conversation.changed(item)
        more = {"logprobs": [_logprob(part) for part in parts]} if has_logprobs else {}
        if model.startswith("gpt-transcribe"):  # SDK: only that model tells languages; empty: none was detected
            more["languages"] = []
        usage = _usage(item, len(parts), model)
        self._out.send(f"{PREFIX}.completed", **_place(item), transcript=text, usage=usage, **more)


def _place(item: Item) -> dict[str, Any]:
    return {"item_id": item.id, "content_index": 0}


def _logprob(token: str) -> dict[str, Any]:
    return {"token": token, "logprob": LOGPROB, "bytes": list(token.encode())}


def _segment(item: Item, text: str, segment_id: str) -> dict[str, Any]:
    return {"id": segment_id, "text": text, "speaker": SPEAKER, "start": 0.0, "end": item.audio_ms / 1000}


def _usage(item: Item, tokens: int, model: str) -> dict[str, Any]:
    """OBS: the whisper family is billed by duration, in whole seconds; others by tokens."""
    if "whisper" in model:
        samples = 0 if item.audio is None else len(item.audio)
        return {"type": "duration", "seconds": -(-samples // SAMPLE_RATE)}
    return {
        "type": "tokens",
        "total_tokens": item.audio_tokens + tokens,
        "input_tokens": item.audio_tokens,
        "input_token_details": {"text_tokens": 0, "audio_tokens": item.audio_tokens},
        "output_tokens": tokens,
    }
