"""The caller's side of a call, as call control knows it: names and a negotiated offer, never sockets or frames."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..sdp.description import SessionDescription
from ..sdp.offer_answer import NegotiatedAudio
from ..sdp.webrtc_offer import WebRtcOffer
from ..sip.events import DialogId, InviteId


@dataclass(frozen=True, slots=True, kw_only=True)
class SipLeg:
    """A dialog and what its offer asked for. `offer` is None when the INVITE came without a session description
    (RFC 3264 5: then our 2xx makes the offer and the ACK answers it)."""

    invite: InviteId
    dialog: DialogId
    local_address: str
    offer: SessionDescription | None
    negotiated: NegotiatedAudio | None
    line: int | None = None
    """Of a caller in this process, the id of its flow."""
    kind: Literal["sip"] = "sip"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRtcLeg:
    """A peer connection, by what its offer asked for."""

    offer: WebRtcOffer
    kind: Literal["webrtc"] = "webrtc"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLeg:
    """A leg without a network: unit tests and callers in the same process."""

    kind: Literal["sip", "webrtc"] = "sip"


Leg: TypeAlias = SipLeg | WebRtcLeg | MemoryLeg
