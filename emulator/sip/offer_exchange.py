"""The one offer that a dialog can have open at a time (RFC 3264 4, RFC 3261 14, RFC 3311 5, RFC 6337 2)."""

from enum import Enum
from typing import Final

from .transaction import refuse


class ExchangeState(Enum):
    STABLE = "Stable"
    RECEIVED = "Offer received"
    SENT = "Offer sent"


class ExchangeInput(Enum):
    OFFER_RECEIVED = "offer of the peer"
    ANSWER_SENT = "our answer"
    REFUSED = "no answer from us"
    OFFER_SENT = "our offer"
    ANSWER_RECEIVED = "answer of the peer"
    ABANDONED = "no answer from the peer"


_S = ExchangeState
_I = ExchangeInput

OFFER_EXCHANGE: Final[dict[tuple[ExchangeState, ExchangeInput], ExchangeState]] = {
    (_S.STABLE, _I.OFFER_RECEIVED): _S.RECEIVED,  # RFC 3264 4: in an INVITE or UPDATE
    (_S.STABLE, _I.OFFER_SENT): _S.SENT,  # RFC 3261 13.2.1: in the 2xx to an INVITE without an offer, or in ours
    (_S.RECEIVED, _I.ANSWER_SENT): _S.STABLE,  # RFC 3261 13.2.1: in the 2xx
    (_S.RECEIVED, _I.REFUSED): _S.STABLE,  # RFC 3264 4: what was agreed on before goes on
    (_S.SENT, _I.ANSWER_RECEIVED): _S.STABLE,  # RFC 3261 13.2.1: in the ACK, or in the 2xx to ours
    (_S.SENT, _I.ABANDONED): _S.STABLE,  # RFC 3261 13.2.2.4: an ACK without an answer, or no ACK; a refusal of ours
}


class OfferExchange:
    """Who owes whom an answer. `refusal` says what the peer's next offer gets if it comes too early."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = ExchangeState.STABLE

    def step(self, given: ExchangeInput) -> None:
        """Raises `WrongState` where the table has no row; nothing has changed then."""
        state = OFFER_EXCHANGE.get((self._state, given))
        if state is None:
            raise refuse("offer/answer exchange", self._state, given)
        self._state = state

    @property
    def state(self) -> ExchangeState:
        return self._state

    @property
    def refusal(self) -> int | None:
        """RFC 3311 5.2, RFC 3261 14.2: 491 where our own offer is open (glare), 500 where theirs is; else None."""
        return {ExchangeState.SENT: 491, ExchangeState.RECEIVED: 500}.get(self._state)
