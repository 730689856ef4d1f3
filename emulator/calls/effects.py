"""What a call wants done, in order. `transports/performer.py` does it; a fault may rewrite it; a test just reads it."""

from dataclasses import dataclass
from typing import TypeAlias

from ..errors import ApiError
from ..realtime.session_config import SessionConfig
from ..sdp.description import SessionDescription
from ..sdp.offer_answer import NegotiatedAudio
from ..sip.events import InviteId
from .inputs import ReplyToken


@dataclass(frozen=True, slots=True, kw_only=True)
class PostWebhook:
    """Tell every endpoint of the project that a call is waiting: `realtime.call.incoming`."""

    sip_headers: tuple[tuple[str, str], ...]
    media_security: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSip:
    """A response to the INVITE without a body: 180, or a final refusal."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnswer:
    """200 with our session description, repeated until the ACK."""

    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRefer:
    """REFER inside the dialog, `Refer-To: <target>`."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBye:
    """BYE; it waits for the ACK of our 2xx, or for 64·T1 (RFC 3261 15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Make the session with this configuration; sidebands can attach from here on."""

    config: SessionConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession:
    """End the session. `close_code` is what its channels see; 1006 cuts them without a close frame."""

    close_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMedia:
    """Bind a media port, and for WebRTC write the answer. Comes back as `MediaReady` or `AnswerReady`, or as
    `MediaFailed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMedia:
    """Nothing waits any more for the caller to speak and be spoken to; a WebRTC peer is connected to first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMedia:
    """Stop sending and give the port back. What is behind it waits until a WebRTC peer was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForGreeting:
    """The emulator plays the application: `response.create`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewMedia:
    """Answer a re-INVITE or UPDATE (RFC 3261 14.2, RFC 3311 5.2) and send media to where it now says.

    Both are None for a re-INVITE without an offer: its 2xx carries ours, and its ACK brings `ChangeMedia`.
    """

    invite: InviteId
    offer: SessionDescription | None
    negotiated: NegotiatedAudio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMedia:
    """The peer answered an offer of ours within the call: send media to where it now says."""

    negotiated: NegotiatedAudio


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshSession:
    """Keep the SIP session alive (RFC 4028): by re-INVITE with our description, or by UPDATE."""

    needs_offer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HearDigit:
    """The caller pressed a key, and INFO said so: it is told to the session as one that came by RTP."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseInvite:
    """A final response to an INVITE that becomes no call, or to a re-INVITE or UPDATE that changes nothing."""

    invite: InviteId
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyHttp:
    """Answer a waiting request: 200 with an empty body, 201 with `answer` to an SDP offer, or the error. The effects
    behind it wait until it was written; when an effect before it in the same batch failed, it becomes a 502."""

    reply: ReplyToken
    error: ApiError | None = None
    answer: str = ""


Effect: TypeAlias = (
    PostWebhook
    | SendSip
    | SendAnswer
    | SendRefer
    | SendBye
    | OpenSession
    | CloseSession
    | OpenMedia
    | StartMedia
    | CloseMedia
    | AskForGreeting
    | RenewMedia
    | ChangeMedia
    | RefreshSession
    | HearDigit
    | RefuseInvite
    | ReplyHttp
)
