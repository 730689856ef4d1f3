"""A caller in a browser: WebRTC by aiortc, with a key of the API, a client secret, or through the application."""

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..client.errors import CallRefused, FarEndError, WaitTimeout
from .caller import Talker
from .journal import WITHIN, Journal

if TYPE_CHECKING:
    from ..client.events import ReceivedEvent
    from ..client.rest import RestAnswer
    from ..client.webrtc import WebRtcCall

SESSION = {"type": "realtime", "model": "gpt-realtime"}


class Browser(Talker):
    """One call of a page. It speaks and hears as every caller, and has the events of its data channel."""

    def __init__(self, call: "WebRtcCall", journal: Journal) -> None:
        super().__init__(call, journal)
        self._page = call

    async def connected(self, within: float = WITHIN) -> None:
        """Sound and events can flow."""
        within = self._journal.patient(within)
        try:
            await self._page.connected(within)
        except (FarEndError, WaitTimeout) as error:
            self._fail(f"the page to be connected within {within:g} s", error)

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send a client event."""
        await self._page.events.send(event)

    async def receives(self, type_: str, within: float = WITHIN) -> "ReceivedEvent":
        """The first server event of that type, now or when it comes."""
        within = self._journal.patient(within)
        try:
            return await self._page.events.wait_for(type_, timeout=within)
        except (FarEndError, WaitTimeout) as error:
            self._fail(f"the page to get {type_} within {within:g} s", error, f"it got {self._page.events.types}")

    @property
    def id(self) -> str | None:
        """The API's id of the call; None where the application has kept it to itself."""
        answer = self._page.answer
        location = None if answer is None else answer.header("Location")
        return location.rpartition("/")[2] if location else None


async def browse(
    base_url: str, journal: Journal, *, key: str, session: Mapping[str, Any] | None, through: str | None
) -> Browser:
    """Offer a call and take the answer. Raises `ExpectationFailed` for a refusal."""
    from ..client.webrtc import WebRtcCall

    async with contextlib.AsyncExitStack() as unless_answered:
        call = WebRtcCall(address="127.0.0.1")
        unless_answered.push_async_callback(call.hang_up)
        try:
            call.take(await _answer(await call.offer(), base_url, key=key, session=session, through=through))
        except CallRefused as error:
            instead = f"it was refused: {error.status} {error.reason}"
            raise journal.failure("the offer to be answered", instead) from None
        unless_answered.pop_all()
    return Browser(call, journal)


async def _answer(
    offer: str, base_url: str, *, key: str, session: Mapping[str, Any] | None, through: str | None
) -> "RestAnswer":
    from ..client.rest import RestClient

    if through is None:
        async with RestClient(base_url, key) as rest:
            return await rest.create_call(offer, session)
    async with RestClient(through, key) as application:
        headers = {"Content-Type": "application/sdp", "Accept": "application/sdp"}
        return await application.request("POST", "", body=offer.encode(), headers=headers)
