"""The four transaction machines of RFC 3261 §17 with RFC 6026: their states, inputs and tables, and the keys.

The tables are the whole truth about states. What a transaction does on the way (send, repeat, tell) is in
`server_transaction` and `client_transaction`.
"""

from enum import Enum
from typing import Final

from ..errors import WrongState
from .message import Request


class InviteServerState(Enum):
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    ACCEPTED = "Accepted"
    TERMINATED = "Terminated"


class InviteServerInput(Enum):
    REQUEST = "INVITE"
    ACK = "ACK"
    SEND_PROVISIONAL = "1xx from TU"
    SEND_SUCCESS = "2xx from TU"
    SEND_FAILURE = "300-699 from TU"
    TIMER_G = "Timer G"
    TIMER_H = "Timer H"
    TIMER_I = "Timer I"
    TIMER_L = "Timer L"
    TRANSPORT_ERROR = "Transport error"


_IS = InviteServerState
_II = InviteServerInput

# RFC 6026 7.1 lets a transport error leave Proceeding and Completed as they are. RFC 3261 17.2.4 ended them, and so do
# we: an endpoint that never opens a connection in order to answer has nothing left to do there.
INVITE_SERVER: Final[dict[tuple[InviteServerState, InviteServerInput], InviteServerState]] = {
    (_IS.PROCEEDING, _II.REQUEST): _IS.PROCEEDING,  # RFC 3261 17.2.1: the most recent provisional again
    (_IS.PROCEEDING, _II.ACK): _IS.PROCEEDING,  # RFC 3261 17.2.1: nothing to acknowledge yet, dropped
    (_IS.PROCEEDING, _II.SEND_PROVISIONAL): _IS.PROCEEDING,  # RFC 3261 17.2.1
    (_IS.PROCEEDING, _II.SEND_SUCCESS): _IS.ACCEPTED,  # RFC 6026 7.1
    (_IS.PROCEEDING, _II.SEND_FAILURE): _IS.COMPLETED,  # RFC 3261 17.2.1
    (_IS.PROCEEDING, _II.TRANSPORT_ERROR): _IS.TERMINATED,  # RFC 3261 17.2.4
    (_IS.COMPLETED, _II.REQUEST): _IS.COMPLETED,  # RFC 3261 17.2.1: the final response again
    (_IS.COMPLETED, _II.ACK): _IS.CONFIRMED,  # RFC 3261 17.2.1
    (_IS.COMPLETED, _II.TIMER_G): _IS.COMPLETED,  # RFC 3261 17.2.1: the final response again
    (_IS.COMPLETED, _II.TIMER_H): _IS.TERMINATED,  # RFC 3261 17.2.1: no ACK came
    (_IS.COMPLETED, _II.TRANSPORT_ERROR): _IS.TERMINATED,  # RFC 3261 17.2.4
    (_IS.CONFIRMED, _II.REQUEST): _IS.CONFIRMED,  # RFC 3261 17.2.1: absorbed
    (_IS.CONFIRMED, _II.ACK): _IS.CONFIRMED,  # RFC 3261 17.2.1: absorbed
    (_IS.CONFIRMED, _II.TIMER_I): _IS.TERMINATED,  # RFC 3261 17.2.1
    (_IS.CONFIRMED, _II.TRANSPORT_ERROR): _IS.TERMINATED,  # RFC 3261 17.2.4
    (_IS.ACCEPTED, _II.REQUEST): _IS.ACCEPTED,  # RFC 6026 7.1: absorbed, the TU repeats the 2xx
    (_IS.ACCEPTED, _II.ACK): _IS.ACCEPTED,  # RFC 6026 7.1: to the TU
    (_IS.ACCEPTED, _II.SEND_SUCCESS): _IS.ACCEPTED,  # RFC 6026 7.1: the TU repeats its 2xx
    (_IS.ACCEPTED, _II.TIMER_L): _IS.TERMINATED,  # RFC 6026 7.1
    (_IS.ACCEPTED, _II.TRANSPORT_ERROR): _IS.ACCEPTED,  # RFC 6026 7.1: the ACK may come over another connection
}


class ServerState(Enum):
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"


class ServerInput(Enum):
    REQUEST = "Request"
    SEND_PROVISIONAL = "1xx from TU"
    SEND_FINAL = "200-699 from TU"
    TIMER_J = "Timer J"
    TRANSPORT_ERROR = "Transport error"


_SS = ServerState
_SI = ServerInput

SERVER: Final[dict[tuple[ServerState, ServerInput], ServerState]] = {
    (_SS.TRYING, _SI.REQUEST): _SS.TRYING,  # RFC 3261 17.2.2: discarded
    (_SS.TRYING, _SI.SEND_PROVISIONAL): _SS.PROCEEDING,  # RFC 3261 17.2.2
    (_SS.TRYING, _SI.SEND_FINAL): _SS.COMPLETED,  # RFC 3261 17.2.2
    (_SS.TRYING, _SI.TRANSPORT_ERROR): _SS.TERMINATED,  # RFC 3261 17.2.4
    (_SS.PROCEEDING, _SI.REQUEST): _SS.PROCEEDING,  # RFC 3261 17.2.2: the most recent provisional again
    (_SS.PROCEEDING, _SI.SEND_PROVISIONAL): _SS.PROCEEDING,  # RFC 3261 17.2.2
    (_SS.PROCEEDING, _SI.SEND_FINAL): _SS.COMPLETED,  # RFC 3261 17.2.2
    (_SS.PROCEEDING, _SI.TRANSPORT_ERROR): _SS.TERMINATED,  # RFC 3261 17.2.4
    (_SS.COMPLETED, _SI.REQUEST): _SS.COMPLETED,  # RFC 3261 17.2.2: the final response again
    (_SS.COMPLETED, _SI.SEND_FINAL): _SS.COMPLETED,  # RFC 3261 17.2.2: another final response is discarded
    (_SS.COMPLETED, _SI.TIMER_J): _SS.TERMINATED,  # RFC 3261 17.2.2
    (_SS.COMPLETED, _SI.TRANSPORT_ERROR): _SS.TERMINATED,  # RFC 3261 17.2.4
}


class InviteClientState(Enum):
    CALLING = "Calling"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    ACCEPTED = "Accepted"
    TERMINATED = "Terminated"


class InviteClientInput(Enum):
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TIMER_A = "Timer A"
    TIMER_B = "Timer B"
    TIMER_D = "Timer D"
    TIMER_M = "Timer M"
    TRANSPORT_ERROR = "Transport error"


_CS = InviteClientState
_CI = InviteClientInput

INVITE_CLIENT: Final[dict[tuple[InviteClientState, InviteClientInput], InviteClientState]] = {
    (_CS.CALLING, _CI.PROVISIONAL): _CS.PROCEEDING,  # RFC 3261 17.1.1.2
    (_CS.CALLING, _CI.SUCCESS): _CS.ACCEPTED,  # RFC 6026 7.2
    (_CS.CALLING, _CI.FAILURE): _CS.COMPLETED,  # RFC 3261 17.1.1.2: ACK
    (_CS.CALLING, _CI.TIMER_A): _CS.CALLING,  # RFC 3261 17.1.1.2: the INVITE again
    (_CS.CALLING, _CI.TIMER_B): _CS.TERMINATED,  # RFC 3261 17.1.1.2: told as 408
    (_CS.CALLING, _CI.TRANSPORT_ERROR): _CS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_CS.PROCEEDING, _CI.PROVISIONAL): _CS.PROCEEDING,  # RFC 3261 17.1.1.2
    (_CS.PROCEEDING, _CI.SUCCESS): _CS.ACCEPTED,  # RFC 6026 7.2
    (_CS.PROCEEDING, _CI.FAILURE): _CS.COMPLETED,  # RFC 3261 17.1.1.2: ACK
    (_CS.PROCEEDING, _CI.TIMER_B): _CS.TERMINATED,  # ours: a re-INVITE rings nobody, who does not answer it is gone
    (_CS.PROCEEDING, _CI.TRANSPORT_ERROR): _CS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_CS.COMPLETED, _CI.PROVISIONAL): _CS.COMPLETED,  # RFC 3261 17.1.1.2: a late one is dropped
    (_CS.COMPLETED, _CI.SUCCESS): _CS.COMPLETED,  # RFC 3261 17.1.1.2: contradicts the final response, dropped
    (_CS.COMPLETED, _CI.FAILURE): _CS.COMPLETED,  # RFC 3261 17.1.1.2: the ACK again
    (_CS.COMPLETED, _CI.TIMER_D): _CS.TERMINATED,  # RFC 3261 17.1.1.2
    (_CS.COMPLETED, _CI.TRANSPORT_ERROR): _CS.TERMINATED,  # RFC 3261 17.1.4
    (_CS.ACCEPTED, _CI.PROVISIONAL): _CS.ACCEPTED,  # RFC 6026 7.2: a late one is dropped
    (_CS.ACCEPTED, _CI.SUCCESS): _CS.ACCEPTED,  # RFC 6026 7.2: to the TU, which repeats its ACK
    (_CS.ACCEPTED, _CI.FAILURE): _CS.ACCEPTED,  # RFC 6026 7.2: contradicts the 2xx, dropped
    (_CS.ACCEPTED, _CI.TIMER_M): _CS.TERMINATED,  # RFC 6026 7.2
    (_CS.ACCEPTED, _CI.TRANSPORT_ERROR): _CS.ACCEPTED,  # RFC 6026 7.2: this transaction sends nothing any more
}


class ClientState(Enum):
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    TERMINATED = "Terminated"


class ClientInput(Enum):
    PROVISIONAL = "1xx"
    FINAL = "200-699"
    TIMER_E = "Timer E"
    TIMER_F = "Timer F"
    TIMER_K = "Timer K"
    TRANSPORT_ERROR = "Transport error"


_NS = ClientState
_NI = ClientInput

CLIENT: Final[dict[tuple[ClientState, ClientInput], ClientState]] = {
    (_NS.TRYING, _NI.PROVISIONAL): _NS.PROCEEDING,  # RFC 3261 17.1.2.2
    (_NS.TRYING, _NI.FINAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2
    (_NS.TRYING, _NI.TIMER_E): _NS.TRYING,  # RFC 3261 17.1.2.2: the request again
    (_NS.TRYING, _NI.TIMER_F): _NS.TERMINATED,  # RFC 3261 17.1.2.2: told as 408
    (_NS.TRYING, _NI.TRANSPORT_ERROR): _NS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_NS.PROCEEDING, _NI.PROVISIONAL): _NS.PROCEEDING,  # RFC 3261 17.1.2.2
    (_NS.PROCEEDING, _NI.FINAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2
    (_NS.PROCEEDING, _NI.TIMER_E): _NS.PROCEEDING,  # RFC 3261 17.1.2.2: the request again, from now on every T2
    (_NS.PROCEEDING, _NI.TIMER_F): _NS.TERMINATED,  # RFC 3261 17.1.2.2: told as 408
    (_NS.PROCEEDING, _NI.TRANSPORT_ERROR): _NS.TERMINATED,  # RFC 3261 17.1.4: told as 503
    (_NS.COMPLETED, _NI.PROVISIONAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2: absorbed
    (_NS.COMPLETED, _NI.FINAL): _NS.COMPLETED,  # RFC 3261 17.1.2.2: absorbed
    (_NS.COMPLETED, _NI.TIMER_K): _NS.TERMINATED,  # RFC 3261 17.1.2.2
    (_NS.COMPLETED, _NI.TRANSPORT_ERROR): _NS.TERMINATED,  # RFC 3261 17.1.4
}


MAGIC_COOKIE = "z9hG4bK"
"""RFC 3261 8.1.1.7: a branch that begins so is unique. One that does not comes from RFC 2543."""

ServerKey = tuple[str | int | None, ...]
ClientKey = tuple[str, str]


def server_key(request: Request, method: str) -> ServerKey:
    """What names the server transaction of `request` (RFC 3261 17.2.3).

    `method` is the request's own, or INVITE to find what an ACK or a CANCEL is about. The clause's branch, sent-by
    and method do not suffice: pyVoIP 1.6.8 uses one branch for INVITE, ACK and BYE and the same one in its next
    run, so Call-ID and CSeq number are part of the key.
    """
    via = request.via
    branch = via.branch
    # RFC 4475 3.2.1: the cookie alone is no branch
    if branch is not None and branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:
        return (branch, via.host, via.port, method, request.call_id, request.cseq.number)
    # RFC 3261 17.2.3, for RFC 2543: Request-URI, tags, Call-ID, CSeq and the whole top Via. The To tag is left out,
    # because the ACK has one that its INVITE had not.
    return (str(via), request.uri_text, request.from_.tag, method, request.call_id, request.cseq.number)


def refuse(machine: str, state: Enum, given: Enum) -> WrongState:
    """The typed refusal of a pair that no table has a row for."""
    return WrongState(f"{given.value} in state {state.value}: the {machine} has no such transition")
