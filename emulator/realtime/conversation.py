"""The conversation of a session: its items in order, and what a model may remember of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..audio.samples import SAMPLE_RATE, Samples

BUDGET = 64 * 1024 * 1024
"""Characters and bytes that a conversation may hold; beyond it the oldest items are forgotten [CHOICE]."""

ITEM_COST = 512
"""What an item costs besides its texts and its sound."""

INPUT_AUDIO_TOKENS = 10
"""Tokens that a second of the caller's sound counts for, roughly [OBS]."""


@dataclass(slots=True, eq=False)
class Item:
    """One item. `shown` is its form in events: it is replaced, never changed, because events share it."""

    shown: dict[str, Any]
    audio: Samples | None = None
    """The sound of its audio content, 8 kHz; never changed."""
    spoken: str | None = None
    """What `audio` says, whether or not a transcript was asked for; None where nobody could tell."""
    lengths: tuple[int, ...] = ()
    """How many samples of `audio` are of each content part; empty where all are of one."""
    previous: "Item | None" = field(default=None, repr=False)
    next: "Item | None" = field(default=None, repr=False)
    cost: int = 0
    text_tokens: int = 0
    audio_tokens: int = 0

    @property
    def id(self) -> str:
        return str(self.shown["id"])

    @property
    def type(self) -> str:
        return str(self.shown["type"])

    @property
    def role(self) -> str | None:
        """Of a message; other items have none."""
        return self.shown.get("role")

    @property
    def audio_ms(self) -> int:
        return 0 if self.audio is None else len(self.audio) * 1000 // SAMPLE_RATE

    def texts(self) -> Iterator[str]:
        """Every text of the item that a model reads, transcripts included, and without what nobody heard."""
        for part in self.shown.get("content", ()):
            text = part.get("text") or part.get("transcript") or (self.spoken if "transcript" in part else None)
            if text:
                yield text
        for key in ("output", "arguments"):
            if isinstance(value := self.shown.get(key), str):
                yield value


class Conversation:
    """Items in order. Adding, finding and removing one costs the same however long the conversation is."""

    def __init__(self, conversation_id: str, *, budget: int = BUDGET) -> None:
        self.id = conversation_id
        self.first: Item | None = None
        self.last: Item | None = None
        self.text_tokens = 0
        self.audio_tokens = 0
        self._items: dict[str, Item] = {}
        self._budget = budget
        self._cost = 0
        self._has_forgotten = False

    # Input

    def append(self, item: Item) -> None:
        """Put `item` at the end. Its id must be new."""
        self.insert(item, self.last)

    def insert(self, item: Item, previous: Item | None) -> None:
        """Put `item` behind `previous`; None is the beginning."""
        item.previous = previous
        item.next = self.first if previous is None else previous.next
        self._join(item.previous, item)
        self._join(item, item.next)
        self._items[item.id] = item
        self._weigh(item)
        self._forget_oldest()

    def remove(self, item: Item) -> None:
        """Take `item` out; it keeps nothing of its neighbours."""
        previous, following = item.previous, item.next
        if previous is None:
            self.first = following
        else:
            previous.next = following
        if following is None:
            self.last = previous
        else:
            following.previous = previous
        item.previous = item.next = None
        del self._items[item.id]
        self._cost -= item.cost
        self.text_tokens -= item.text_tokens
        self.audio_tokens -= item.audio_tokens

    def changed(self, item: Item) -> None:
        """Say that the content of `item` is another now."""
        if item.id in self._items:
            self._cost -= item.cost
            self.text_tokens -= item.text_tokens
            self.audio_tokens -= item.audio_tokens
            self._weigh(item)
            self._forget_oldest()

    # Queries

    def get(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def is_beginning(self, item: Item) -> bool:
        """Whether nothing came before `item`: of a conversation that forgot some, nobody can say."""
        return item.previous is None and not self._has_forgotten

    def __len__(self) -> int:
        return len(self._items)

    def backwards(self) -> Iterator[Item]:
        """The items, latest first: whoever needs only the end reads only the end."""
        item = self.last
        while item is not None:
            yield item
            item = item.previous

    # Private

    def _forget_oldest(self) -> None:
        while self._cost > self._budget and self.first is not self.last:
            assert self.first is not None
            self.remove(self.first)
            self._has_forgotten = True

    def _join(self, left: Item | None, right: Item | None) -> None:
        if left is None:
            self.first = right
        else:
            left.next = right
        if right is None:
            self.last = left
        else:
            right.previous = left

    def _weigh(self, item: Item) -> None:
        item.text_tokens, item.audio_tokens = tokens_in(item)
        characters = sum(map(len, item.texts()))
        images = sum(len(part.get("image_url", "")) for part in item.shown.get("content", ()))
        samples = 0 if item.audio is None else len(item.audio)
        item.cost = ITEM_COST + characters + images + 2 * samples
        self._cost += item.cost
        self.text_tokens += item.text_tokens
        self.audio_tokens += item.audio_tokens


def tokens_in(item: Item) -> tuple[int, int]:
    """Tokens that an item counts for: of text, of sound."""
    samples = 0 if item.audio is None else len(item.audio)
    return tokens_of(sum(map(len, item.texts()))), samples * INPUT_AUDIO_TOKENS // SAMPLE_RATE


def tokens_of(characters: int) -> int:
    """Tokens that a text counts for, roughly: four characters each."""
    return (characters + 3) // 4


def with_transcript(shown: dict[str, Any], index: int, transcript: str | None) -> dict[str, Any]:
    """A message's shown form with another transcript in part `index`."""
    content = list(shown["content"])
    content[index] = {**content[index], "transcript": transcript}
    return {**shown, "content": content}
