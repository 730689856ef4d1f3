"""Rules of a response: its beginning and end, one at a time, its status, usage, and what follows it."""

from collections.abc import Iterator, Mapping
from typing import Any

from .event import Scope, TraceEvent, Violation
from .rule import Rule


class ResponseIdUnique(Rule):
    id = "TRACE-RESPONSE-ID-UNIQUE"
    says = "A response is created once."
    evidence = "DOC"
    clause = "RealtimeResponse: id, the unique ID of the response"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._created: set[str] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        if event.type == "response.created" and (response_id := event.response_id) is not None:
            yield from self.unless(response_id not in self._created, event, f"{response_id} was created before")
            self._created.add(response_id)


class ResponseBrackets(Rule):
    id = "TRACE-RESPONSE-BRACKETS"
    says = "response.created is the first event of its response, response.done the last of its stream."
    evidence = "DOC"
    clause = "response.created: the first event of response creation; response.done: always emitted at the end"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._is_done: dict[str, bool] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        response_id = event.response_id
        if response_id is None or not event.type.startswith("response."):
            return
        if event.type == "response.created":
            self._is_done[response_id] = False
            return
        known = response_id in self._is_done or not self.scope.from_start
        yield from self.unless(known, event, f"{event.type} before response.created of {response_id}")
        yield from self.unless(
            not self._is_done.get(response_id), event, f"{event.type} after response.done of {response_id}"
        )
        self._is_done[response_id] = self._is_done.get(response_id, False) or event.type == "response.done"


class ResponseKnown(Rule):
    id = "TRACE-RESPONSE-KNOWN"
    says = "Only what belongs to a created response is played."
    evidence = "DOC"
    clause = "output_audio_buffer.*: response_id, the unique ID of the response that produced the audio"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._created: set[str] = set()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        response_id = event.response_id
        if response_id is None:
            return
        if event.type == "response.created":
            self._created.add(response_id)
        elif event.type.startswith("output_audio_buffer."):
            known = response_id in self._created or not self.scope.from_start
            yield from self.unless(known, event, f"{event.type} names {response_id}, which was not created")


class ResponseOneActive(Rule):
    id = "TRACE-RESPONSE-ONE-ACTIVE"
    says = "A conversation has one response at a time; those outside it are free."
    evidence = "DOC"
    clause = "response.create: several at once only with conversation none; conversation_id is null then"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._active: dict[str, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        response_id = event.response_id
        if event.type == "response.done":
            self._active = {key: active for key, active in self._active.items() if active != response_id}
        elif event.type == "response.created" and response_id is not None:
            conversation = event.text("response", "conversation_id")
            if conversation is not None:
                other = self._active.get(conversation, response_id)
                yield from self.unless(
                    other == response_id, event, f"{response_id} is created while {other} is in progress"
                )
                self._active[conversation] = response_id


class ResponseStatus(Rule):
    id = "TRACE-RESPONSE-STATUS"
    says = "A response is created in progress and done with a final status, which its details repeat."
    evidence = "DOC"
    clause = "RealtimeResponse: status; status_details.type corresponds with the status field"

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        status = event.text("response", "status")
        if status is None or event.type not in ("response.created", "response.done"):
            return
        is_begun = event.type == "response.created"
        yield from self.unless((status == "in_progress") == is_begun, event, f"{event.type} has the status {status}")
        details = event.text("response", "status_details", "type")
        yield from self.unless(details in (None, status), event, f"status {status} has details of type {details}")


class ResponseEnds(Rule):
    id = "TRACE-RESPONSE-ENDS"
    says = "Every response that was created is done, whatever became of it."
    evidence = "DOC"
    clause = "RealtimeServerEventResponseDone: always emitted, no matter the final state"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._open: dict[str, TraceEvent] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        if (response_id := event.response_id) is not None:
            if event.type == "response.created":
                self._open[response_id] = event
            elif event.type == "response.done":
                self._open.pop(response_id, None)
        yield from ()

    def end(self) -> Iterator[Violation]:
        if self.scope.complete:
            for response_id, event in self._open.items():
                yield self.broken(event, f"{response_id} was created and is not done at the end")


class ResponseUsage(Rule):
    id = "TRACE-USAGE-SUM"
    says = "Token counts add up: input and output to the total, and their details to each."
    evidence = "OBS"
    clause = "recordings: response.done, response.usage; transcription completed, usage"

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        usage = event.value("response", "usage") if event.type == "response.done" else event.value("usage")
        if not isinstance(usage, Mapping):
            return
        for whole, parts in (
            (("total_tokens",), (("input_tokens",), ("output_tokens",))),
            (("input_tokens",), _details("input_token_details", "text", "audio", "image")),
            (("output_tokens",), _details("output_token_details", "text", "audio")),
            (
                ("input_token_details", "cached_tokens"),
                tuple(
                    ("input_token_details", "cached_tokens_details", f"{kind}_tokens")
                    for kind in ("text", "audio", "image")
                ),
            ),
        ):
            yield from self._sum(event, usage, whole, parts)

    def _sum(
        self, event: TraceEvent, usage: Mapping[str, Any], whole: tuple[str, ...], parts: tuple[tuple[str, ...], ...]
    ) -> Iterator[Violation]:
        """Where the whole and its first part are there. Reasoning may be counted beside text and audio, or in them."""
        tokens = TraceEvent("received", usage)
        counted, first = tokens.number(*whole), tokens.number(*parts[0])
        if counted is None or first is None:
            return
        total = sum(tokens.number(*part) or 0 for part in parts)
        reasoning = tokens.number("output_token_details", "reasoning_tokens") or 0 if whole == ("output_tokens",) else 0
        names = " + ".join(part[-1] for part in parts)
        yield from self.unless(
            counted in (total, total + reasoning), event, f"{'.'.join(whole)} is {counted}, but {names} is {total}"
        )


def _details(name: str, *kinds: str) -> tuple[tuple[str, ...], ...]:
    return tuple((name, f"{kind}_tokens") for kind in kinds)


class RateLimits(Rule):
    id = "TRACE-RATE-LIMITS"
    says = "rate_limits.updated comes after its response.done, once for a response at most."
    evidence = "OBS"
    clause = "recordings; the documentation says at the beginning of a response"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._done = 0
        self._updated = 0

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        if event.type == "response.done":
            self._done += 1
        elif event.type == "rate_limits.updated":
            self._updated += 1
            before = 0 if self.scope.from_start else 1  # it may be that of a response before the trace
            yield from self.unless(
                self._updated <= self._done + before,
                event,
                f"{self._updated} rate_limits.updated for {self._done} finished responses",
            )


RESPONSE_RULES: tuple[type[Rule], ...] = (
    ResponseIdUnique,
    ResponseBrackets,
    ResponseKnown,
    ResponseOneActive,
    ResponseStatus,
    ResponseEnds,
    ResponseUsage,
    RateLimits,
)
