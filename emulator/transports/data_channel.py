"""The data channel of a WebRTC call as an event channel: JSON text both ways, as on a WebSocket."""

import itertools
import json
import logging
from collections.abc import Callable

from aiortc.exceptions import InvalidStateError
from aiortc.rtcdatachannel import RTCDataChannel

log = logging.getLogger("ringback.webrtc")

LABEL = "oai-events"  # DOC: made by the client
NORMAL = 1000
_numbers = itertools.count(1)


class DataChannel:
    """`send` never blocks. `on_unsendable` hears the type and length of an event that the peer says it can't take."""

    def __init__(
        self,
        channel: RTCDataChannel,
        *,
        most: int,
        buffer_limit: int,
        on_unsendable: Callable[[str, int], None],
    ) -> None:
        self.id = f"data-{next(_numbers)}"
        self.channel = channel
        self._most = most
        self._limit = buffer_limit
        self._on_unsendable = on_unsendable

    def send(self, payload: bytes) -> None:
        """Queue one event, as `encode` makes it. A peer that does not read is left alone once too much waits for it."""
        if self.channel.readyState != "open":
            return
        if 0 < self._most < len(payload):  # RFC 8841 6.1: no message may be longer than the peer's max-message-size
            self._on_unsendable(json.loads(payload)["type"], len(payload))
            return
        try:
            self.channel.send(payload.decode())
        except InvalidStateError as error:
            raise AssertionError("the channel was open a moment ago") from error
        if self.channel.bufferedAmount > self._limit:
            log.debug("= %s is closed: %d bytes wait for it", self.id, self.channel.bufferedAmount)
            self.channel.close()

    def close(self, code: int, reason: str = "") -> None:
        """Close it after what was sent. The code is a WebSocket's, and nobody sees it here."""
        self.channel.close()
