"""What decides the next output of the fake model: a protocol, what it is told, and what it may answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, TypeGuard, runtime_checkable

from ..audio.samples import SAMPLE_RATE, Samples
from ..realtime.conversation import Conversation, Item
from ..realtime.response import ResponseOptions
from ..realtime.session import Cause
from ..realtime.session_config import SessionConfig
from ..realtime.transcription import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A message. `delay` seconds pass before it begins, `pace` seconds before each further piece of its text."""

    text: str
    delay: float = 0.0
    pace: float = 0.0
    stop: "Stop | None" = None
    overlaps: bool = False
    """Whether it is done only when what follows it was added, as was recorded of a message and a call [OBS]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A message of ready sound, 8 kHz, with its transcript. A session that answers in text shows the transcript."""

    samples: Samples
    transcript: str = ""
    delay: float = 0.0
    pace: float = 0.0
    stop: "Stop | None" = None
    overlaps: bool = False
    """As of `Say`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a message breaks off, and stays incomplete: after so many characters of its text, or milliseconds of its
    sound, cut between two pieces of text. What follows in the response goes on; usually that is an `End`."""

    characters: int | None = None
    ms: int = 0
    """Where no `characters` are given."""

    @property
    def ms_samples(self) -> int:
        return self.ms * SAMPLE_RATE // 1000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class McpError:
    """What became of a call that failed. `code` belongs to the first two types only [SDK]."""

    type: Literal["protocol_error", "http_error", "tool_execution_error"]
    message: str
    code: int = 0

    def shown(self) -> dict[str, Any]:
        about = {} if self.type == "tool_execution_error" else {"code": self.code}
        return {"type": self.type, **about, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMcp:
    """The call of a tool that an MCP server has. Where the client has to approve it, it waits for that, and a refusal
    makes it fail. It runs for `takes` seconds, and gives `output`, or fails with `error`."""

    server_label: str
    name: str
    arguments: str
    output: str = ""
    error: McpError | None = None
    takes: float = 0.0
    delay: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The response ends here, and not well; what follows is not said. `reason` is one of the service's own [SDK]."""

    status: Literal["incomplete", "cancelled"]
    reason: Literal["max_output_tokens", "content_filter", "turn_detected", "client_cancelled"]
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An `error` event for every channel. The response goes on."""

    message: str
    type: str = "server_error"
    code: str | None = None
    param: str | None = None
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """Every channel is closed with `code`; the session goes on, and so does its call if it has one."""

    code: int
    reason: str = ""
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """The call ends, as if the emulator's end hung up; without a call the session ends. Nothing follows."""

    reason: str
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An entry of the journal, `kind` being one of its kinds. No client sees it."""

    kind: str
    data: dict[str, Any]
    delay: float = 0.0


Output: TypeAlias = Say | Play | Call | CallMcp | Silence | Fail | End | Trouble | Disconnect | HangUp | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a response has to answer. `cause` is whether a client asked for it or the caller's speech did."""

    cause: Cause
    options: ResponseOptions
    config: SessionConfig
    conversation: Conversation
    input: tuple[Item, ...] | None
    """What a `response.create` gave in place of the conversation."""
    mcp_tools: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """What may be called of MCP servers, by their labels: what was listed by now."""

    def latest_first(self) -> Iterator[Item]:
        """The items that the response goes by, latest first. Read only as many as needed: there may be thousands."""
        return self.conversation.backwards() if self.input is None else iter(self.input[::-1])


class Model(Protocol):
    """Decides what is said. It is asked once for each response; its outputs are taken one by one as they are due."""

    def respond(self, turn: Turn) -> Iterable[Output]: ...


@runtime_checkable
class Transcribes(Model, Protocol):
    """A model that also has its way with how the caller's words are transcribed: wrongly, or not at all."""

    def transcribe(self, heard: str, config: SessionConfig) -> Transcript:
        """What is told of words that were heard, wherever transcription is configured."""
        ...


@runtime_checkable
class EndsTurns(Model, Protocol):
    """A model that also says where the caller's turn is over, for `semantic_vad`."""

    def ends_turn(self, heard: str, config: SessionConfig) -> bool | None:
        """Asked in each silence, with the words of the turn so far: True ends it, False leaves the caller as long as
        the configured eagerness waits at the most. None: nobody can tell, and it waits for as long as it usually does.
        """
        ...


@runtime_checkable
class Unasked(Model, Protocol):
    """A model that may also speak when nobody asked it to. The host tells it what happens; whenever no response is
    active and `wants_to_speak`, a response begins whose cause is `model`, and `respond` is asked as ever.

    The real service's model never does that; whoever writes such a model does it on purpose.
    """

    def opened(self, config: SessionConfig) -> None:
        """The session is in use: its media flows, or, where there is none, its first channel is attached. Once."""

    def pressed(self, digit: str, config: SessionConfig) -> None:
        """The caller pressed a key."""

    def patience(self, config: SessionConfig) -> float | None:
        """How many seconds of quiet make it speak; None where none do."""

    def waited(self, seconds: float, config: SessionConfig) -> None:
        """It has been quiet for so long: as long as `patience` said, or longer."""

    def wants_to_speak(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class McpListing:
    """What an MCP server answers when it is asked for its tools, after `delay` seconds; or it `fails` to. A tool has
    `name` and `input_schema`, and perhaps `description` and `annotations` [SDK]."""

    tools: Sequence[Mapping[str, Any]] = ()
    fails: bool = False
    delay: float = 0.0


@runtime_checkable
class KnowsServers(Protocol):
    """A model that also says what MCP servers offer. Those of any other offer nothing [CHOICE]."""

    def list_tools(self, server: Mapping[str, Any]) -> McpListing:
        """Asked once for each definition; `server` is the client's `tool` of type `mcp`."""
        ...


_known: dict[tuple[type, type], bool] = {}
"""Python 3.11 takes 20 µs to ask a protocol with `isinstance`, five times a session: here once for each class."""


def transcribes(model: object) -> TypeGuard[Transcribes]:
    return _is_a(model, Transcribes)


def ends_turns(model: object) -> TypeGuard[EndsTurns]:
    return _is_a(model, EndsTurns)


def speaks_unasked(model: object) -> TypeGuard[Unasked]:
    return _is_a(model, Unasked)


def knows_servers(model: object) -> TypeGuard[KnowsServers]:
    return _is_a(model, KnowsServers)


def _is_a(model: object, protocol: type) -> bool:
    key = type(model), protocol
    if key not in _known:
        _known[key] = isinstance(model, protocol)
    return _known[key]
