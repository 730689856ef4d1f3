"""Rules of a session as a whole: its first event, its identity, ids of events, errors, shapes."""

from collections.abc import Iterator

from ringback.fixtures.validation import validator

from .event import Scope, TraceEvent, Violation
from .rule import Rule


class SessionCreatedFirst(Rule):
    id = "TRACE-SESSION-CREATED"
    says = "session.created comes once at most, and before every other server event."
    evidence = "DOC"
    clause = (
        "RealtimeServerEventSessionCreated: emitted automatically when a new connection is established as the first"
    )

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._received = 0

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        self._received += 1
        if event.type == "session.created":
            yield from self.unless(
                self._received == 1, event, f"session.created is the server's event number {self._received}"
            )


class SessionSame(Rule):
    id = "TRACE-SESSION-SAME"
    says = "All events that show the session show the same session id."
    evidence = "OBS"
    clause = "recordings: session.created, session.updated"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._session_id: str | None = None

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        shown = event.text("session", "id")
        if shown is not None:
            known = self._session_id = self._session_id or shown
            yield from self.unless(shown == known, event, f"{event.type} shows session {shown}, it was {known}")


class EventIdUnique(Rule):
    id = "TRACE-EVENT-ID-UNIQUE"
    says = "No two server events have the same event_id."
    evidence = "DOC"
    clause = "every server event: event_id, the unique ID of the server event"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._types: dict[str, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        event_id = event.text("event_id")
        if event_id is not None:
            other = self._types.get(event_id)
            yield from self.unless(
                other is None, event, f"{event.type} has the event_id {event_id} of an earlier {other}"
            )
            self._types[event_id] = event.type


class ErrorEcho(Rule):
    id = "TRACE-ERROR-ECHO"
    says = "The event_id in an error is null or that of an event which the client sent."
    evidence = "DOC"
    clause = "RealtimeServerEventError: error.event_id, the event_id of the client event that caused the error"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._sent: set[str] = set()

    def sent(self, event: TraceEvent) -> Iterator[Violation]:
        event_id = event.text("event_id")
        if event_id is not None:
            self._sent.add(event_id)
        yield from ()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        if event.type == "error" and (event_id := event.text("error", "event_id")) is not None:
            yield from self.unless(event_id in self._sent, event, f"no client event has the event_id {event_id!r}")


class ServerShape(Rule):
    id = "TRACE-SERVER-SHAPE"
    says = "Every server event has the shape of the official SDK's types."
    evidence = "SDK"
    clause = "openai/types/realtime: RealtimeServerEvent"

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        for problem in validator("server_events").problems(event.data):
            yield self.broken(event, f"{event.type or 'event'} {problem}")


class ClientShape(Rule):
    id = "TRACE-CLIENT-SHAPE"
    says = "Every client event has the shape of the official SDK's types."
    evidence = "SDK"
    clause = "openai/types/realtime: RealtimeClientEventParam"

    def sent(self, event: TraceEvent) -> Iterator[Violation]:
        for problem in validator("client_events").problems(event.data):
            yield self.broken(event, f"{event.type or 'event'} {problem}")


SESSION_RULES: tuple[type[Rule], ...] = (SessionCreatedFirst, SessionSame, EventIdUnique, ErrorEcho, ServerShape)
