"""What decides the next output of the fake model: a protocol, what it is told, and what it may answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ..audio.samples import Samples
from ..realtime.conversation import Conversation, Item
from ..realtime.response import ResponseOptions
from ..realtime.session import Cause
from ..realtime.session_config import SessionConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A message. `delay` seconds pass before it begins, `pace` seconds before each further piece of its text."""

    text: str
    delay: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A message of ready sound, 8 kHz, with its transcript. A session that answers in text shows the transcript."""

    samples: Samples
    transcript: str = ""
    delay: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function call; `arguments` is JSON text, right or wrong."""

    name: str
    arguments: str
    delay: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing, for `delay` seconds."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The response fails; what follows is not said."""

    message: str
    code: str | None = None
    type: str = "server_error"
    delay: float = 0.0


Output: TypeAlias = Say | Play | Call | Silence | Fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a response has to answer. `cause` is whether a client asked for it or the caller's speech did."""

    cause: Cause
    options: ResponseOptions
    config: SessionConfig
    conversation: Conversation
    input: tuple[Item, ...] | None
    """What a `response.create` gave in place of the conversation."""

    def latest_first(self) -> Iterator[Item]:
        """The items that the response goes by, latest first. Read only as many as needed: there may be thousands."""
        return self.conversation.backwards() if self.input is None else iter(self.input[::-1])


class Model(Protocol):
    """Decides what is said. It is asked once for each response; its outputs are taken one by one as they are due."""

    def respond(self, turn: Turn) -> Iterable[Output]: ...
