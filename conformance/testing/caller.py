"""The caller of a test: dials, talks, presses keys, and says what it expects of the application."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from ..client.errors import CallEnded, CallRefused, FarEndError, WaitTimeout
from .journal import WITHIN, Journal

if TYPE_CHECKING:
    from ..client.call import Call
    from ..client.webrtc import WebRtcCall

EndedBy = Literal["caller", "application"]
HUSH = 0.25
"""So long nobody speaks between two who take turns."""


class Talker:
    """Whoever is on the line, by phone or by page. What is expected raises `ExpectationFailed` when it does not come
    `within` so many seconds."""

    def __init__(self, call: "Call | WebRtcCall", journal: Journal) -> None:
        self._line = call
        self._journal = journal
        self._read = 0
        """How many of the hearings are behind the last `hears`."""

    # What is expected

    async def hears(self, text: str | re.Pattern[str] | None = None, within: float = WITHIN) -> str:
        """The application says something: that text, something the pattern is found in, or anything. What it said.

        Each utterance is read once: the next `hears` looks behind it.
        """
        within = self._journal.patient(within)
        expected = f"the caller to hear {_described(text)} within {within:g} s"
        try:
            said = await self._line.wait_for_heard(_accepts(text), within, after=self._read)
        except (FarEndError, WaitTimeout) as error:
            self._fail(expected, error, f"heard so far: {self.heard}")
        hearings = enumerate(self._line.hearings[self._read :], self._read + 1)
        self._read = next(number for number, each in hearings if each.complete and each.text == said)
        return said

    async def ended(self, by: EndedBy | None = None, within: float = WITHIN) -> EndedBy:
        """The call is over. Returns who ended it."""
        within = self._journal.patient(within)
        expected = f"the call to be ended{'' if by is None else f' by the {by}'} within {within:g} s"
        try:
            who: EndedBy = "application" if await self._line.ended(within) in ("callee", "refused") else "caller"
        except (FarEndError, WaitTimeout) as error:
            self._fail(expected, error, "the call goes on")
        if by not in (None, who):
            raise self._journal.failure(expected, f"the {who} ended it")
        return who

    # What the caller does

    async def say(self, text: str) -> None:
        """Say it when the other side has stopped speaking; return when it is said."""
        await self._until_hush()
        await self._line.say(text)

    async def interrupt(self, text: str) -> None:
        """Say it at once, whoever speaks; return when it is said."""
        await self._line.say(text)

    async def play(self, sound: str | Path) -> None:
        """Play a WAV file; return when it was played."""
        await self._line.play(sound)

    async def silence(self, seconds: float) -> None:
        """Say nothing for so long."""
        await asyncio.sleep(seconds)

    async def hang_up(self) -> None:
        """End the call, whatever its state."""
        await self._line.hang_up()

    # Queries

    @property
    def heard(self) -> list[str]:
        """What the application has said to its end so far."""
        return self._line.heard

    @property
    def id(self) -> str | None:
        """The API's id of the call, `rtc_…`."""
        raise NotImplementedError

    @property
    def is_ending(self) -> bool:
        """It only needs a moment."""
        return False

    @property
    def is_over(self) -> bool:
        return self._line.is_over

    # Private

    async def _until_hush(self) -> None:
        while True:
            await self._journal.until(self._nobody_answers, self._journal.patient(WITHIN), "the end of a response")
            await self._line.wait_for_quiet(HUSH)
            if self._line.is_over or self._nobody_answers():
                return

    def _nobody_answers(self) -> bool:
        """Whether no response is being made; its sound may still be on its way."""
        mine = self.id
        records = self._journal.records("event.server")
        events = [each.data["event"] for each in records if mine is None or each.call_id == mine]
        begun = {each["response"]["id"] for each in events if each["type"] == "response.created"}
        return not begun - {each["response"]["id"] for each in events if each["type"] == "response.done"}

    def _fail(self, expected: str, error: Exception, instead: str | None = None) -> NoReturn:
        if isinstance(error, CallRefused):
            instead = f"it was refused: {error.status} {error.reason}"
        elif isinstance(error, FarEndError):
            instead = str(error)
        raise self._journal.failure(expected, instead or "nothing happened") from None


class Caller(Talker):
    """One call. What is expected raises `ExpectationFailed` when it does not come `within` so many seconds."""

    def __init__(self, call: "Call", journal: Journal) -> None:
        super().__init__(call, journal)
        self._call = call
        self._id: str | None = None

    # What is expected

    async def answered(self, within: float = WITHIN) -> None:
        """The application has accepted the call."""
        within = self._journal.patient(within)
        try:
            await self._call.answered(within)
        except (CallRefused, CallEnded, WaitTimeout, FarEndError) as error:
            self._fail(f"the call to be answered within {within:g} s", error)

    async def rejected(self, status: int | None = None, within: float = WITHIN) -> int:
        """The call was refused, with that SIP status if one is named. Returns the status."""
        within = self._journal.patient(within)
        expected = f"the call to be rejected{'' if status is None else f' with {status}'} within {within:g} s"
        try:
            final = await self._call.final_response(within)
        except (FarEndError, WaitTimeout) as error:
            self._fail(expected, error)
        if final.status < 300 or status not in (None, final.status):
            raise self._journal.failure(expected, f"it was answered {final.status} {final.reason}")
        return final.status

    async def transferred_to(self, target: str, within: float = WITHIN) -> None:
        """The application transfers the call there: `Refer-To` names exactly this URI."""
        within = self._journal.patient(within)
        expected = f"a transfer to {target} within {within:g} s"
        try:
            found = await self._call.wait_for_refer(within)
        except (FarEndError, WaitTimeout) as error:
            self._fail(expected, error, "no REFER came")
        if found != target:
            raise self._journal.failure(expected, f"it was transferred to {found}")

    # What the caller does

    async def press(self, digits: str) -> None:
        """Press keys; `,` is a pause. The application may end the call at one of them, before it was let go."""
        with contextlib.suppress(CallEnded):
            await self._call.press(digits)

    async def ring_for(self, seconds: float) -> None:
        """Let it ring for so long, then give up (CANCEL) unless somebody has answered."""
        try:
            await self._call.answered(seconds)
        except WaitTimeout:
            await self._call.cancel()
        except FarEndError:
            return

    async def hold(self) -> None:
        """Put the other side on hold."""
        await self._call.reoffer("sendonly")

    async def resume(self) -> None:
        """End the hold."""
        await self._call.reoffer("sendrecv")

    async def cancel(self) -> None:
        """Give up before the answer."""
        await self._call.cancel()

    # Queries

    @property
    def id(self) -> str | None:
        """The API's id of the call, `rtc_…`; None until the emulator has seen the INVITE."""
        if self._id is None:
            mine = (each for each in self._journal.records("call.state") if each.sip_call_id == self._call.id)
            self._id = next((each.call_id for each in mine), None)
        return self._id

    @property
    def is_ending(self) -> bool:
        """It was transferred or hung up, and only needs a moment."""
        return not self.is_over and any(each.method in ("REFER", "BYE") for each in self._call.requests)

    # Private

    def _fail(self, expected: str, error: Exception, instead: str | None = None) -> NoReturn:
        if isinstance(error, WaitTimeout) and self._call.responses and not self._call.answer:
            last = self._call.responses[-1]
            instead = "nobody decided yet" if last.status == 100 else f"it rings: {last.status} {last.reason}"
        super()._fail(expected, error, instead)


def _accepts(text: str | re.Pattern[str] | None) -> str | Callable[[str], bool] | None:
    return (lambda said: bool(text.search(said))) if isinstance(text, re.Pattern) else text


def _described(text: str | re.Pattern[str] | None) -> str:
    if text is None:
        return "something"
    return f"/{text.pattern}/" if isinstance(text, re.Pattern) else repr(text)
