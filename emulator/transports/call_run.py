"""One call at work, as the performer keeps it: its queue, what it has open, and who waits for it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from ..calls.call import Call
from ..calls.effects import Effect
from ..calls.inputs import ReplyToken
from ..errors import ApiError
from ..faults.plan import Pause
from ..sdp.local_description import LocalDescription
from ..sip.events import Flow
from .hosting import RunningHost
from .memory_line import MemoryMedia
from .rtp_net import MediaLeg


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """Stands behind the effects of a batch in a call's queue; behind the last one the call is released."""

    is_last: bool


class Reply:
    """A request that waits for its call. The handler awaits `outcome`, writes the answer, then calls `written()`."""

    def __init__(self, token: ReplyToken) -> None:
        self.token = token
        self.answer = ""
        """The SDP answer to an offer that was taken."""
        self.outcome: asyncio.Future[ApiError | None] = asyncio.get_running_loop().create_future()
        self._written = asyncio.Event()

    def written(self) -> None:
        """The answer left, or never will: the call goes on."""
        self._written.set()

    async def wait_written(self) -> None:
        await self._written.wait()


@dataclass(slots=True)
class CallRun:
    """One call at work: its queue, and what it has open."""

    call: Call
    queue: deque[Effect | Pause | BatchEnd] = field(default_factory=deque)
    failure: ApiError | None = None
    """Why an effect of the batch at work failed."""
    is_waiting: bool = False
    host: RunningHost | None = None
    media: MediaLeg | MemoryMedia | None = None
    local: LocalDescription | None = None
    """Our side's session description, where the leg is SIP."""
    way: Flow | None = None
    """A connection that we opened to the caller, whose own was closed."""
    statistics: dict[str, object] = field(default_factory=dict)
