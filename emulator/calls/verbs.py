"""The table of verbs and states: what each request gets in each state of a call. `docs/verbs.md` is made from it."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ..errors import ApiError, CallNotFound, DecisionAlreadyMade, InvalidRequest
from .inputs import InputKind

Tag = Literal["DOC", "SDK", "OBS", "RFC", "CHOICE"]
ATTACH = "sideband"


class Row(Enum):
    """A call as the API sees it."""

    UNDECIDED = "undecided"
    ALIVE = "decided and alive"
    ENDED = "ended, cancelled, unknown"
    WEBRTC = "WebRTC call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one verb gets in one row: a status, the error behind it, the evidence, and a note for people."""

    status: int
    error: type[ApiError] | None = None
    tag: Tag
    note: str = ""


_NO_SESSION = Cell(status=404, error=CallNotFound, tag="OBS", note="`call_id_not_found`")
_NOT_YET = Cell(status=404, error=CallNotFound, tag="CHOICE", note="`call_id_not_found`: no session yet")
_DECIDED = Cell(
    status=409,
    error=DecisionAlreadyMade,
    tag="CHOICE",
    note="`decision_already_made`, `x-should-retry: false` (SDKs retry a bare 409)",
)
_NOT_SIP = Cell(status=400, error=InvalidRequest, tag="CHOICE", note="only SIP calls have this verb")

TABLE: dict[tuple[Row, str], Cell] = {
    (Row.UNDECIDED, "accept"): Cell(status=200, tag="DOC", note="once the caller hears ringing"),
    (Row.UNDECIDED, "reject"): Cell(status=200, tag="DOC", note="after the final response was sent; 603 by default"),
    (Row.UNDECIDED, "refer"): _NOT_YET,
    (Row.UNDECIDED, "hangup"): _NOT_YET,
    (Row.UNDECIDED, ATTACH): _NOT_YET,
    (Row.ALIVE, "accept"): _DECIDED,
    (Row.ALIVE, "reject"): _DECIDED,
    (Row.ALIVE, "refer"): Cell(status=200, tag="DOC", note="once REFER was handed over, after the ACK at the earliest"),
    (Row.ALIVE, "hangup"): Cell(
        status=200, tag="DOC", note="when tear-down starts; BYE waits for the ACK (RFC 3261 15)"
    ),
    (Row.ALIVE, ATTACH): Cell(status=101, tag="DOC", note="attaches"),
    **{(Row.ENDED, verb): _NO_SESSION for verb in ("accept", "reject", "refer", "hangup", ATTACH)},
    (Row.WEBRTC, "accept"): _NOT_SIP,
    (Row.WEBRTC, "reject"): _NOT_SIP,
    (Row.WEBRTC, "refer"): _NOT_SIP,
    (Row.WEBRTC, "hangup"): Cell(status=200, tag="DOC", note="works for SIP and WebRTC"),
    (Row.WEBRTC, ATTACH): Cell(status=101, tag="OBS", note="attaches"),
}


def refusal(row: Row, verb: InputKind | str) -> ApiError | None:
    """The error that `verb` gets in this row, None when it is allowed. `verb` may be `ATTACH`."""
    name = verb if isinstance(verb, str) else verb.value
    error = TABLE[row, name].error
    if error is None:
        return None
    if error is CallNotFound:
        return CallNotFound()
    if error is DecisionAlreadyMade:
        return DecisionAlreadyMade("A decision on this call was already made: the first accept or reject wins")
    return InvalidRequest(f"{name} is for SIP calls, and this is a WebRTC call")
