"""What `test_session` is worth: each of these sessions is broken in one place, and the machine finds it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from properties.test_session import BUFFER_MS, SessionMachine
from ringback.emulator.realtime import input_audio, session
from ringback.emulator.realtime.appended import Appended
from ringback.emulator.realtime.conversation import Conversation, Item
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.realtime.idle import IdleTimer
from ringback.emulator.realtime.input_audio import InputAudio
from ringback.emulator.realtime.item_requests import ItemRequests
from ringback.emulator.realtime.output_audio import OutputAudio
from ringback.emulator.realtime.response import Response
from ringback.emulator.realtime.session import Session
from ringback.emulator.realtime.transcription import Transcriber

EXAMPLES = 200
EXAMPLES_TO_FIND = 1000
"""Most bugs are found in the first ten, a few need a hundred. Hypothesis also draws on the constants of what is
imported, so that a seed alone does not make the same examples in every run."""
SEED = 2

Bug = tuple[object, str, Callable[[Any], Any]]
"""Where the bug is, and what stands there instead, made of what stood there."""


def without(original: Any) -> Callable[..., Any]:
    """Does nothing."""
    return lambda *arguments, **options: None


def told_late(original: Any) -> Callable[..., Any]:
    def announce(self: ItemRequests, item: Item, previous: Item | None) -> None:
        original(self, item, None if previous is None else previous.previous)

    return announce


def unlimited(original: Any) -> Callable[..., Any]:
    """Accepts whatever end is asked for, as far as there is sound."""

    def truncate(self: ItemRequests, event: Any) -> None:
        item = self._conversation.get(event.item_id)
        most = event.audio_end_ms if item is None else min(event.audio_end_ms, item.audio_ms)
        original(self, replace(event, audio_end_ms=most))

    return truncate


def kept_for_ever(original: Any) -> Callable[..., Any]:
    def take(self: Outbox) -> Any:
        effect = original(self)
        self.__dict__.setdefault("_sent", []).append(effect)
        return effect

    return take


def at_the_end(original: Any) -> Callable[..., Any]:
    return lambda self, item, previous: original(self, item, self.last)


def unfinished(original: Any) -> Callable[..., Any]:
    """A response that was cancelled stays where it was."""

    def finished(self: Session, response: Response) -> None:
        if response.status != "cancelled":
            original(self, response)

    return finished


def remembered(original: Any) -> Callable[..., Any]:
    """A response that is over can be cancelled again."""

    def finished(self: Session, response: Response) -> None:
        original(self, response)
        self._others[response.id] = response

    return finished


def twice(original: Any) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        original(*arguments, **options)
        return original(*arguments, **options)

    return call


def nameless(original: Any) -> Callable[..., Any]:
    return lambda self, channel_id, error, **options: original(self, channel_id, error)


def impatient(original: Any) -> Callable[..., Any]:
    """The caller's silence counts while the model speaks."""

    def pass_time(self: Session, now: float) -> None:
        active, self.active = self.active, None
        original(self, now)
        self.active = self.active or active

    return pass_time


def only_told(original: Any) -> Callable[..., Any]:
    def delete(self: ItemRequests, event: Any) -> None:
        self._find(event.item_id, "delete", "deleting")
        self._out.send("conversation.item.deleted", item_id=event.item_id)

    return delete


def generous(original: Any) -> Callable[..., Any]:
    """One piece of what was appended is heard twice."""
    return lambda self, samples: original(self, samples) + original(self, samples)


BUGS: dict[str, list[Bug]] = {
    "commit leaves the buffer full": [(InputAudio, "_forget", without)],
    "clear leaves the buffer full": [(InputAudio, "clear", without)],
    "clear leaves what the resampler holds": [(Appended, "flush", lambda original: lambda self: input_audio.NOTHING)],
    "sound is heard twice": [(InputAudio, "frames_of", generous)],
    "a commit of nothing is accepted": [(session, "LEAST_COMMIT_MS", lambda original: 0)],
    "a second response is allowed": [(Session, "_refuse_second_response", without)],
    "a cancelled response stays active": [(Session, "_finished", unfinished)],
    "a response can be cancelled after its end": [(Session, "_finished", remembered)],
    "a response is done twice": [(Response, "finish", twice)],
    "previous_item_id is the one before it": [(ItemRequests, "announce", told_late)],
    "previous_item_id is disregarded": [(Conversation, "insert", at_the_end)],
    "truncation beyond the sound is accepted": [(ItemRequests, "truncate", unlimited)],
    "a deleted item stays": [(ItemRequests, "delete", only_told)],
    "a wrong item is told about twice": [(ItemRequests, "announce", twice)],
    "errors do not name their event": [(Outbox, "send_error", nameless)],
    "an idle timeout comes over a response": [(IdleTimer, "stop", without), (Session, "pass_time", impatient)],
    "a transcription is told twice": [(Transcriber, "tell", twice)],
    "the output buffer never ends": [(OutputAudio, "complete", without)],
    "a conversation grows without bound": [(Conversation, "_weigh", without)],
    "the input buffer grows without bound": [(InputAudio, "_drop_to", without)],
    "sent events are kept for ever": [(Outbox, "take", kept_for_ever)],
}


def run_machine(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    monkeypatch.setattr(input_audio, "BUFFER_SAMPLES", BUFFER_MS * 8)
    run_state_machine_as_test(
        seed(SEED)(type("Machine", (SessionMachine,), {})),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            report_multiple_bugs=False,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_machine_finds_nothing_in_the_session_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    run_machine(monkeypatch, EXAMPLES)


@pytest.mark.timeout(240)
@pytest.mark.broken_frames("sessions with bugs may send anything")
@pytest.mark.parametrize("name", BUGS)
def test_machine_finds_a_planted_bug(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, attribute, broken in BUGS[name]:
        monkeypatch.setattr(owner, attribute, broken(getattr(owner, attribute)))
    with pytest.raises(Exception):  # noqa: B017, PT011 — a broken session may fail in any way
        run_machine(monkeypatch, EXAMPLES_TO_FIND)
