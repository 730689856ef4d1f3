"""Rules of what the caller says: the order of speech and commit, and its transcription."""

from collections.abc import Iterator

from .event import Scope, TraceEvent, Violation
from .item_rules import ANNOUNCING, KnownOnly
from .output_rules import Place, place_of
from .rule import Rule

TRANSCRIPTION = "conversation.item.input_audio_transcription."
ENDS = (f"{TRANSCRIPTION}completed", f"{TRANSCRIPTION}failed")


class SpeechOrder(Rule):
    id = "TRACE-SPEECH-ORDER"
    says = "Speech starts, stops later and is committed, with one item id, before other speech starts."
    evidence = "DOC"
    clause = "input_audio_buffer.speech_started: item_id, the ID of the user message that is made when speech stops"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._starts: dict[str, int | None] = {}
        self._stopped: set[str] = set()
        self._committed: set[str] = set()
        self._cut: set[str] = set()
        self._speaking: str | None = None
        self._commits = 0
        self._is_disturbed = False

    def sent(self, event: TraceEvent) -> Iterator[Violation]:
        # A client that commits, clears or changes turn detection in mid-speech cuts it short; what the server was
        # about to send crosses that on the wire.
        self._commits += event.type == "input_audio_buffer.commit"
        self._is_disturbed |= event.type in ("input_audio_buffer.clear", "session.update")
        yield from ()

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        item_id = event.item_id
        match event.type:
            case "input_audio_buffer.cleared":
                self._speaking, self._is_disturbed = None, False
            case "session.updated":
                self._is_disturbed &= self._speaking is not None
            case "input_audio_buffer.speech_started" if item_id is not None:
                free = self._speaking is None or self._is_disturbed
                yield from self.unless(free, event, f"{item_id} starts before {self._speaking} has stopped")
                self._speaking = item_id
                self._starts[item_id] = event.number("audio_start_ms")
            case "input_audio_buffer.speech_stopped" if item_id is not None:
                yield from self._stop(event, item_id)
            case "input_audio_buffer.committed" if item_id is not None:
                yield from self._commit(event, item_id)

    def _commit(self, event: TraceEvent, item_id: str) -> Iterator[Violation]:
        over = item_id not in self._starts or item_id in self._stopped
        if not over and self._commits > 0:
            over = True
            self._commits -= 1
            self._cut.add(item_id)
            self._speaking = None
        yield from self.unless(over, event, f"{item_id} is committed before its speech has stopped")
        yield from self.unless(item_id not in self._committed, event, f"{item_id} is committed twice")
        self._committed.add(item_id)

    def _stop(self, event: TraceEvent, item_id: str) -> Iterator[Violation]:
        known = item_id in self._starts or not self.scope.from_start
        yield from self.unless(known, event, f"{item_id} stops, but {self._speaking or 'nobody'} is speaking")
        yield from self.unless(item_id not in self._stopped, event, f"{item_id} stops twice")
        early = item_id not in self._committed or item_id in self._cut
        yield from self.unless(early, event, f"{item_id} stops after it was committed")
        start, end = self._starts.get(item_id), event.number("audio_end_ms")
        backwards = start is not None and end is not None and end < start
        yield from self.unless(not backwards, event, f"{item_id} stops at {end} ms and started at {start} ms")
        self._stopped.add(item_id)
        self._speaking, self._is_disturbed = None, False


class TranscriptionKnown(KnownOnly):
    id = "TRACE-TRANSCRIPTION-KNOWN"
    says = "Only speech whose item id was announced is transcribed, from its start on."
    evidence = "OBS"
    clause = "recordings: deltas come even before speech_stopped and before the commit"
    naming = (TRANSCRIPTION,)


class TranscriptionEnds(Rule):
    id = "TRACE-TRANSCRIPTION-ENDS"
    says = "A transcription is completed or fails once, and no delta follows."
    evidence = "DOC"
    clause = "conversation.item.input_audio_transcription.completed, failed"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._ended: dict[Place, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        place = place_of(event)
        if place is None or event.type not in (f"{TRANSCRIPTION}delta", *ENDS):
            return
        ended = self._ended.get(place)
        yield from self.unless(ended is None, event, f"{event.type} of {place[0]} after {ended}")
        if event.type in ENDS:
            self._ended[place] = event.type


class TranscriptionDeltas(Rule):
    id = "TRACE-TRANSCRIPTION-DELTAS"
    says = "The deltas of a transcription, if there are any, are its transcript but for space around it."
    evidence = "OBS"
    clause = "recordings: the first delta begins with a space that the transcript has not"

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._announced: set[str] = set()
        self._pieces: dict[Place, str] = {}

    def received(self, event: TraceEvent) -> Iterator[Violation]:
        place = place_of(event)
        if place is None:
            return
        if event.type in ANNOUNCING:
            self._announced.add(place[0])
        elif event.type == f"{TRANSCRIPTION}delta":
            self._pieces[place] = self._pieces.get(place, "") + (event.text("delta") or "")
        elif event.type == f"{TRANSCRIPTION}completed" and place[0] in self._announced:
            transcript, joined = event.text("transcript"), self._pieces.pop(place, None)
            if transcript is not None and joined is not None:
                same = transcript.strip() == joined.strip()
                yield from self.unless(same, event, f"the transcript is {transcript!r}, its deltas {joined!r}")


INPUT_RULES: tuple[type[Rule], ...] = (SpeechOrder, TranscriptionKnown, TranscriptionEnds, TranscriptionDeltas)
