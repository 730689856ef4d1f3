"""What a caller has heard, at 8 kHz: sound, silence and tonecode; and the waits for it that every kind of call has."""

import contextlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
from ringback.fixtures import tonecode

from .errors import CallEnded, FarEndError, WaitTimeout
from .g711 import SAMPLE_RATE, Samples
from .watch import SPEECH, Watch

T = TypeVar("T")
LOUD = 300  # of 32767, -41 dBFS: above the noise of G.711 and of comfort noise, below any speech
PAUSE = 0.1  # no utterance has so long a gap inside
TRAILER = 1.0  # what follows the last word of a tonecode text takes half a second at most


class Receiver(Protocol):
    """Sound into text: tonecode's, or another."""

    def feed(self, samples: Samples) -> list[tonecode.Heard]: ...

    def flush(self) -> list[tonecode.Heard]: ...


class Ear:
    """Feed it what comes; `changed` is called after everything that a waiter could wait for."""

    def __init__(self, changed: Callable[[], None], receiver: Receiver | None = None) -> None:
        self._changed = changed
        self._receiver = tonecode.Receiver() if receiver is None else receiver
        self._recorded: list[Samples] = []
        self._quiet = 0
        self.hearings: list[tonecode.Heard] = []
        self.has_sounded = False

    @property
    def recording(self) -> Samples:
        """Everything heard since the first packet."""
        return np.concatenate(self._recorded) if self._recorded else np.zeros(0, dtype=np.int16)

    @property
    def quiet_seconds(self) -> float:
        """How long there has been no sound by now."""
        return self._quiet / SAMPLE_RATE

    def hear(self, samples: Samples) -> None:
        """Sound, or the silence of a stream that goes on."""
        self._recorded.append(samples)
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
        self.has_sounded = self.has_sounded or len(loud) > 0
        self._quiet = len(samples) - 1 - int(loud[-1]) if len(loud) else self._quiet + len(samples)
        self._add(self._receiver.feed(samples))

    def miss(self, silence: Samples) -> None:
        """A pause of the stream itself: quiet to a listener, and no part of the recording."""
        self._quiet += len(silence)
        self._add(self._receiver.feed(silence))

    def flush(self) -> None:
        """The end: what was being said was broken off."""
        self._add(self._receiver.flush())

    def _add(self, heard: list[tonecode.Heard]) -> None:
        if heard:
            self.hearings += heard
            self._changed()


class Listener:
    """A party of a call that hears the other one. Whoever has an ear says when the call is over, and why."""

    watch: Watch

    @property
    def ear(self) -> Ear:
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        raise NotImplementedError

    @property
    def heard(self) -> list[str]:
        """The texts that the far end has said to their end; `hearings` also has those that broke off."""
        return [each.text for each in self.hearings if each.complete]

    @property
    def hearings(self) -> list[tonecode.Heard]:
        return self.ear.hearings

    @property
    def recording(self) -> Samples:
        """Everything heard, at 8 kHz, since the first packet; losses are silence."""
        return self.ear.recording

    async def wait_for_heard(
        self,
        text: str | Callable[[str], bool] | None = None,
        timeout: float = SPEECH,
        *,
        after: int = 0,
        at_once: bool = False,
    ) -> str:
        """The first complete utterance that is `text`, or that `text(utterance)` accepts; None takes any.

        `after` leaves out the first so many of `hearings`: `after=len(call.hearings)` waits for something new. The text
        is known before its sound is over; whoever speaks then interrupts. So this returns when it is quiet again, but
        for `at_once`.
        """

        def accepts(said: str) -> bool:
            return text(said) if callable(text) else text is None or said == text

        def found() -> tonecode.Heard | None:
            hit = next((each for each in self.hearings[after:] if each.complete and accepts(each.text)), None)
            if hit is None:
                self._raise_ended("it was heard")
            return hit

        hit = await self._until(found, timeout, "utterance" if text is None else f"utterance {text!r}")
        if not at_once:
            with contextlib.suppress(WaitTimeout):  # somebody who goes on talking has said this all the same
                await self.wait_for_quiet(PAUSE, TRAILER)
        return str(hit.text)

    async def wait_for_sound(self, timeout: float = SPEECH) -> None:
        """Return while the far end makes any sound, whatever it means."""
        await self._until(lambda: self._sounds(less_than=0.02), timeout, "sound")

    async def wait_for_quiet(self, seconds: float = 0.3, timeout: float = SPEECH) -> None:
        """Return when the far end has been quiet for so long, or the call is over."""
        await self._until(lambda: self.is_over or self.ear.quiet_seconds >= seconds, timeout, "quiet")

    # -- of the kind of call

    def _describe(self) -> str:
        raise NotImplementedError

    def _failed(self) -> FarEndError | None:
        """Why it is over, where it did not end as it should."""
        raise NotImplementedError

    def _ended_how(self) -> str:
        raise NotImplementedError

    async def _until(self, condition: Callable[[], T | None], timeout: float, what: str) -> T:
        return await self.watch.until(condition, timeout=timeout, what=what, instead=self._describe)

    def _raise_ended(self, what: str) -> None:
        if self.is_over:
            raise self._failed() or CallEnded(
                f"the call was ended ({self._ended_how()}) before {what}; {self._describe()}"
            )

    def _sounds(self, *, less_than: float) -> bool:
        if self.ear.has_sounded and self.ear.quiet_seconds < less_than:
            return True
        self._raise_ended("it made a sound")
        return False
