"""A model's outputs becoming one response's events, each when it is due."""

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

from ..audio.samples import SAMPLE_RATE, Samples
from ..audio.voice import Voice
from ..errors import ApiError, EmulatorBug
from ..realtime.conversation import Item
from ..realtime.effects import CloseChannels, HangUpCall
from ..realtime.events import Outbox, pieces
from ..realtime.response import Response, Status
from ..realtime.session import Session
from . import mcp
from .model import Call, CallMcp, Disconnect, End, Fail, HangUp, Note, Output, Play, Say, Silence, Stop, Trouble

KINDS = (Say, Play, Call, CallMcp, Silence, Fail, End, Trouble, Disconnect, HangUp, Note)

TEXT_BEFORE_SOUND = 3
"""OBS: pieces of the transcript that come before the first sound."""

BURST_SAMPLES = 5 * SAMPLE_RATE
BURST_PAUSE = 0.01
"""Sound that goes out as events is faster than it plays, in bursts, so that a client may read in between [CHOICE]."""

MOST_TOKENS = 4096
"""What `"inf"` means [DOC]."""


class Generation:
    """Drives one response. `due` is when `advance` has something to do, None when nothing is left."""

    def __init__(
        self,
        response: Response,
        outputs: Iterable[Output],
        *,
        session: Session,
        voice: Voice,
        out: Outbox,
        now: float,
    ) -> None:
        self.response = response
        self.due: float | None = now
        self._session = session
        self._voice = voice
        self._out = out
        limit = response.options.max_output_tokens
        self._tokens_left = MOST_TOKENS if limit == "inf" else limit
        self._close_earlier: Callable[[], None] | None = None
        """Ends a message that stayed open until something follows it."""
        self._steps = self._run(outputs)

    def advance(self, now: float) -> None:
        """Do everything that is due, and look whether what this waits for has come."""
        if self.due == mcp.WAITING:
            self.due = now
        while self.due is not None and self.due <= now:
            if not self.response.is_active:
                self._steps.close()  # what it waits for does not matter any more
            wait = next(self._steps, None)
            self.due = None if wait is None else self.due + wait

    def _run(self, outputs: Iterable[Output]) -> Generator[float, None, None]:
        """Yields how long to wait before going on. Nothing goes on once the response was cancelled."""
        for output in outputs:
            if not isinstance(output, KINDS):
                raise EmulatorBug(f"the model answers {output!r}, which is no output")
            if output.delay:
                yield output.delay
            match output:
                case Say():
                    yield from self._message(output, output.text, None)
                case Play():
                    yield from self._message(output, output.transcript, output.samples)
                case Call():
                    yield from self._call(output)
                case CallMcp():
                    yield from self._call_mcp(output)
                case Fail():
                    error = {"type": output.type, "code": output.code, "message": output.message}
                    self._finish("failed", {"type": "failed", "error": error})
                    return
                case End():
                    details = {"type": output.status, "reason": output.reason}
                    self._finish(output.status, details)
                    return
                case Silence():
                    pass
                case _:
                    self._beside(output)
            if not self._tokens_left:
                details = {"type": "incomplete", "reason": "max_output_tokens"}
                self._finish("incomplete", details)
                return
        self._finish("completed")

    def _finish(self, status: Status, details: dict[str, Any] | None = None) -> None:
        self._opened()
        self._session.finish(self.response, status, details)

    def _opened(self) -> None:
        """Something follows an item: it is time to end it."""
        if self._close_earlier is not None:
            self._close_earlier()
            self._close_earlier = None

    def _beside(self, output: Trouble | Disconnect | HangUp | Note) -> None:
        """What is no part of the response."""
        match output:
            case Trouble():
                error = ApiError(output.message, param=output.param, code=output.code)
                self._out.send_error(None, error, type=output.type)
            case Disconnect():
                self._out.add(CloseChannels(code=output.code, reason=output.reason))
            case HangUp():
                self._out.add(HangUpCall(reason=output.reason))
            case _:
                self._out.record(output.kind, response_id=self.response.id, **output.data)

    def _message(self, said: Say | Play, text: str, samples: Samples | None) -> Iterator[float]:
        if said.stop is not None:
            is_cut, text, samples = self._stopped(text, samples, said.stop)
        else:
            is_cut = False
        parts = pieces(text)
        kept = parts[: self._tokens_left]
        item = self.response.open_message(expected=len(kept))
        self._opened()
        self._record(item.id, text)
        speaks = self.response.options.speaks
        for index, part in enumerate(kept):
            if index and said.pace:
                yield said.pace
            self.response.add_text(part)
            if speaks and index + 1 == min(TEXT_BEFORE_SOUND, len(kept)):
                self._sound(text if len(kept) == len(parts) else "".join(kept), samples)
            if speaks:
                yield from self._bursts()
        if speaks and not kept and samples is not None:
            self._sound(None, samples)
            yield from self._bursts()
        close = self._closing(item, parts, kept, is_cut=is_cut)
        if said.overlaps:
            self._close_earlier = close
        else:
            close()

    def _stopped(self, text: str, samples: Samples | None, stop: Stop) -> tuple[bool, str, Samples | None]:
        """Whether that is too long, and what of it is said."""
        if stop.characters is not None:
            part, whole = stop.characters, len(text)
        elif samples is not None:
            part, whole = stop.ms_samples, len(samples)
        else:
            said = self._voice.heard_prefix(text, stop.ms_samples)
            return len(said) < len(text), said, None
        if part >= whole:
            return False, text, samples
        return (
            True,
            text[: len(text) * part // whole],
            None if samples is None else samples[: len(samples) * part // whole],
        )

    def _bursts(self) -> Iterator[float]:
        while self._session.send_sound(self.response, BURST_SAMPLES):
            yield BURST_PAUSE

    def _sound(self, text: str | None, samples: Samples | None) -> None:
        item = self.response.open_item
        assert item is not None
        if samples is None:
            assert text is not None
            self._session.play(self.response, item, self._voice.speak(text), text)
        else:
            self._session.play(self.response, item, samples, None)

    def _call(self, call: Call) -> Iterator[float]:
        parts = pieces(call.arguments)
        kept = parts[: self._tokens_left]
        item = self.response.open_call(call.name)
        self._opened()
        yield from self._write(kept, call.pace)
        self._closing(item, parts, kept)()

    def _call_mcp(self, call: CallMcp) -> Iterator[float]:
        parts = pieces(call.arguments)
        kept = parts[: self._tokens_left]
        item = self.response.open_mcp_call(call.server_label, call.name)
        self._opened()
        yield from self._write(kept, call.pace)
        if len(kept) == len(parts):
            yield from mcp.run(call, item, self.response, self._session.mcp)
        self._closing(item, parts, kept)()

    def _write(self, arguments: list[str], pace: float) -> Iterator[float]:
        for index, part in enumerate(arguments):
            if index and pace:
                yield pace
            self.response.add_text(part)

    def _closing(self, item: Item, parts: list[str], kept: list[str], *, is_cut: bool = False) -> Callable[[], None]:
        """What ends an item of which so much was said; that is counted now."""
        is_whole = len(kept) == len(parts)
        self._tokens_left = self._tokens_left - len(kept) if is_whole else 0
        return partial(self.response.close_item, "completed" if is_whole and not is_cut else "incomplete", item=item)

    def _record(self, item_id: str, text: str) -> None:
        self._out.record("media.said", text=text, response_id=self.response.id, item_id=item_id)
