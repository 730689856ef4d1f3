"""A model's outputs becoming one response's events, each when it is due."""

from collections.abc import Iterable, Iterator

from ..audio.samples import SAMPLE_RATE, Samples
from ..audio.voice import Voice
from ..errors import EmulatorBug
from ..realtime.events import Outbox, pieces
from ..realtime.response import Response
from ..realtime.session import Session
from .model import Call, Fail, Output, Play, Say, Silence

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
        self._steps = self._run(outputs)

    def advance(self, now: float) -> None:
        """Do everything that is due."""
        while self.due is not None and self.due <= now:
            wait = next(self._steps, None) if self.response.is_active else None
            self.due = None if wait is None else self.due + wait

    def _run(self, outputs: Iterable[Output]) -> Iterator[float]:
        """Yields how long to wait before going on. Nothing goes on once the response was cancelled."""
        for output in outputs:
            if not isinstance(output, Say | Play | Call | Silence | Fail):
                raise EmulatorBug(f"the model answers {output!r}, which is no output")
            if output.delay:
                yield output.delay
            match output:
                case Say():
                    yield from self._message(output.text, None, output.pace)
                case Play():
                    yield from self._message(output.transcript, output.samples, output.pace)
                case Call():
                    yield from self._call(output)
                case Fail():
                    error = {"type": output.type, "code": output.code, "message": output.message}
                    self._session.finish(self.response, "failed", {"type": "failed", "error": error})
                    return
            if not self._tokens_left:
                details = {"type": "incomplete", "reason": "max_output_tokens"}
                self._session.finish(self.response, "incomplete", details)
                return
        self._session.finish(self.response, "completed")

    def _message(self, text: str, samples: Samples | None, pace: float) -> Iterator[float]:
        parts = pieces(text)
        kept = parts[: self._tokens_left]
        item = self.response.open_message(expected=len(kept))
        self._record(item.id, text)
        speaks = self.response.options.speaks
        for index, part in enumerate(kept):
            if index and pace:
                yield pace
            self.response.add_text(part)
            if speaks and index + 1 == min(TEXT_BEFORE_SOUND, len(kept)):
                self._sound(text if len(kept) == len(parts) else "".join(kept), samples)
            yield from self._bursts()
        if speaks and not kept and samples is not None:
            self._sound(None, samples)
            yield from self._bursts()
        self._close(parts, kept)

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
        self.response.open_call(call.name)
        for index, part in enumerate(kept):
            if index and call.pace:
                yield call.pace
            self.response.add_arguments(part)
        self._close(parts, kept)

    def _close(self, parts: list[str], kept: list[str]) -> None:
        is_whole = len(kept) == len(parts)
        self.response.close_item("completed" if is_whole else "incomplete")
        self._tokens_left = self._tokens_left - len(kept) if is_whole else 0

    def _record(self, item_id: str, text: str) -> None:
        self._out.record("media.said", text=text, response_id=self.response.id, item_id=item_id)
