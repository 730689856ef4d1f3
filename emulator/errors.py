"""Every error of the emulator, by whose fault it is.

::

    RingbackError
    ├── PeerError              a peer broke a protocol; never a reason to crash
    │   ├── SipError           … of SIP; carries the status to answer with, if an answer is possible
    │   │   └── FlowGone              the connection that the message had to go on is closed
    │   ├── SdpError           … of SDP; answered 400 (unreadable) or 488 (nothing in common)
    │   └── ApiError           … of the REST or WebSocket API; carries its own wire form
    │       ├── InvalidRequest        400
    │       ├── Unauthorized          401  invalid_api_key
    │       ├── Forbidden             403  the emulator's own pages, asked by somebody they are not for
    │       ├── CallNotFound          404  call_id_not_found
    │       ├── ResourceNotFound      404
    │       ├── MethodNotAllowed      405
    │       ├── DecisionAlreadyMade   409  decision_already_made
    │       ├── WrongMoment           409  a call, a clock or a project is not in the state that is asked for
    │       ├── PayloadTooLarge       413
    │       ├── NotAsExpected         417  what a test expected did not happen; the message says what did
    │       ├── InternalError         500  an EmulatorBug, as the API's client sees it
    │       └── UpstreamFailed        502
    │           └── EndpointUnreachable   … a webhook endpoint that gave no answer to a test
    ├── UsageError             whoever calls this package misused it
    │   ├── WrongState             an input that a state machine has no row for: state, input, whose
    │   └── InvalidTarget          a URI that can't be put into a Refer-To header
    └── EmulatorBug            ours: an invariant of the emulator does not hold
"""

from typing import Any, ClassVar


class RingbackError(Exception):
    """The root of every error that the emulator raises on purpose."""


class PeerError(RingbackError):
    """A peer broke a protocol. The message says what it sent and what was expected."""


class SipError(PeerError):
    """A SIP message that can't be acted upon. `status` is what RFC 3261 wants answered, None where nothing can be.

    `message_head` is the request as far as it could be read (a `sip.message.Request`), to answer it; None for
    responses and for what is no SIP message. `fatal`: the stream it came by can't be read any further; close it.
    """

    def __init__(
        self, message: str, *, status: int | None = 400, message_head: Any = None, fatal: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message_head = message_head
        self.fatal = fatal


class FlowGone(SipError):
    """The connection that a message had to go on is closed. Nothing was sent, and nobody is left to answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=None)


class SdpError(PeerError):
    """A session description that can't be used. `status` is 400 for unreadable, 488 for nothing in common."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class ApiError(PeerError):
    """An error of the API with its wire form: raise it anywhere under a request, the edge sends `status` and `body()`.

    The envelope is the OpenAPI document's `ErrorResponse`: `{"error": {message, type, param, code}}`, all four
    present [DOC].
    """

    status: ClassVar[int] = 400
    type: ClassVar[str] = "invalid_request_error"
    default_code: ClassVar[str | None] = None
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code if code is not None else self.default_code

    def error(self) -> dict[str, Any]:
        """The inner object, as REST bodies, handshake answers and in-band `error` events carry it."""
        return {"message": self.message, "type": self.type, "param": self.param, "code": self.code}

    def body(self) -> dict[str, Any]:
        """The JSON body of an HTTP answer."""
        return {"error": self.error()}


class InvalidRequest(ApiError):
    """400: `param` names the field, `code` is the service's word for what is wrong with it."""


class Unauthorized(ApiError):
    """401: no key, or one that no project has."""

    status = 401
    default_code = "invalid_api_key"


class Forbidden(ApiError):
    """403: a page of the emulator's own, under `/_ringback/`, is not for whoever asks."""

    status = 403


class ResourceNotFound(ApiError):
    """404: no such path or object."""

    status = 404


class CallNotFound(ResourceNotFound):
    """404: unknown, ended and not yet decided calls answer alike [OBS], with this message and code."""

    default_code = "call_id_not_found"

    def __init__(self) -> None:
        super().__init__("No session found for the provided call_id")


class MethodNotAllowed(ApiError):
    """405: the path exists, the verb does not."""

    status = 405


class DecisionAlreadyMade(ApiError):
    """409: the first accept or reject wins. SDKs retry a bare 409, so the header tells them not to."""

    status = 409
    default_code = "decision_already_made"
    headers: ClassVar[dict[str, str]] = {"x-should-retry": "false"}


class WrongMoment(ApiError):
    """409: under `/_ringback/`, a call, a clock or a project is not in the state that the request needs."""

    status = 409
    default_code = "wrong_moment"


class NotAsExpected(ApiError):
    """417: what a test expected did not happen. The message says what did instead, and what to look at."""

    status = 417
    type = "expectation_failed"
    default_code = "not_as_expected"


class PayloadTooLarge(ApiError):
    """413: a body above the limit (a setting)."""

    status = 413


class InternalError(ApiError):
    """500: a bug of the emulator. The journal has it as `emulator.bug`; what happened to the call is said there."""

    status = 500
    type = "server_error"
    headers: ClassVar[dict[str, str]] = {"x-should-retry": "false"}

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"The emulator has a bug, see emulator.bug in its journal: {error!r}")


class UpstreamFailed(ApiError):
    """502: the SIP side could not be told what the request asked for; nothing was sent."""

    status = 502
    type = "server_error"


class EndpointUnreachable(UpstreamFailed):
    """502: a webhook endpoint gave no HTTP answer to a test. The header keeps SDKs from repeating the test."""

    headers: ClassVar[dict[str, str]] = {"x-should-retry": "false"}


class UsageError(RingbackError):
    """The caller of this package misused it. The message says what to do instead."""


class WrongState(UsageError):
    """A state machine was given an input that its table has no row for. The machine is as it was."""


class InvalidTarget(UsageError):
    """A transfer target that can't be put into a Refer-To header as it is: nothing was sent."""


class EmulatorBug(RingbackError):
    """An invariant of the emulator does not hold. It ends one call, is journalled, and fails the test that saw it."""


def kind_of(value: object) -> str:
    """The JSON type of a value, with its article, as messages name it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
