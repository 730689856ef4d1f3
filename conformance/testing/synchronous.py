"""What the fixture `ringback` is: a project for one test, its callers, journal and clock, for tests without a loop."""

import importlib.util
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..targets.embedded import Fault, Record, ScenarioBuilder
from . import browser as in_page
from . import caller as on_loop
from .caller import EndedBy
from .clock import seconds_of
from .emulator_thread import EmulatorThread
from .errors import WrongUse
from .faults import Faults
from .journal import WITHIN
from .loop_thread import LoopThread
from .process import START, Program
from .project import ProjectOfTest, Transport, Via


class Talker:
    """Whoever is on the line. What is expected raises `ExpectationFailed` when it does not come `within` so many
    seconds."""

    def __init__(self, thread: LoopThread, caller: on_loop.Talker) -> None:
        self._run = thread.run
        self._talker = caller

    # What is expected

    def hears(self, text: str | re.Pattern[str] | None = None, within: float = WITHIN) -> str:
        """The application says something: that text, something the pattern is found in, or anything. What it said.

        Each utterance is read once: the next `hears` looks behind it.
        """
        return self._run(self._talker.hears(text, within))

    def ended(self, by: EndedBy | None = None, within: float = WITHIN) -> EndedBy:
        """The call is over. Returns who ended it."""
        return self._run(self._talker.ended(by, within))

    # What the caller does

    def say(self, text: str) -> None:
        """Say it when the other side has stopped speaking; return when it is said."""
        self._run(self._talker.say(text))

    def interrupt(self, text: str) -> None:
        """Say it at once, whoever speaks; return when it is said."""
        self._run(self._talker.interrupt(text))

    def play(self, sound: str | Path) -> None:
        """Play a WAV file; return when it was played."""
        self._run(self._talker.play(sound))

    def silence(self, seconds: float) -> None:
        """Say nothing for so long."""
        self._run(self._talker.silence(seconds))

    def hang_up(self) -> None:
        """End the call, whatever its state."""
        self._run(self._talker.hang_up())

    # Queries

    @property
    def heard(self) -> list[str]:
        """What the application has said to its end so far."""
        return self._talker.heard

    @property
    def id(self) -> str | None:
        """The API's id of the call, `rtc_…`; None until the emulator has seen the INVITE."""
        return self._talker.id


class Caller(Talker):
    """One call. What is expected raises `ExpectationFailed` when it does not come `within` so many seconds."""

    def __init__(self, thread: LoopThread, caller: on_loop.Caller) -> None:
        super().__init__(thread, caller)
        self._caller = caller

    # What is expected

    def answered(self, within: float = WITHIN) -> None:
        """The application has accepted the call."""
        self._run(self._caller.answered(within))

    def rejected(self, status: int | None = None, within: float = WITHIN) -> int:
        """The call was refused, with that SIP status if one is named. Returns the status."""
        return self._run(self._caller.rejected(status, within))

    def transferred_to(self, target: str, within: float = WITHIN) -> None:
        """The application transfers the call there: `Refer-To` names exactly this URI."""
        self._run(self._caller.transferred_to(target, within))

    # What the caller does

    def press(self, digits: str) -> None:
        """Press keys; `,` is a pause."""
        self._run(self._caller.press(digits))

    def ring_for(self, seconds: float) -> None:
        """Let it ring for so long, then give up (CANCEL) unless somebody has answered."""
        self._run(self._caller.ring_for(seconds))

    def hold(self) -> None:
        """Put the other side on hold."""
        self._run(self._caller.hold())

    def resume(self) -> None:
        """End the hold."""
        self._run(self._caller.resume())

    def cancel(self) -> None:
        """Give up before the answer."""
        self._run(self._caller.cancel())


class Browser(Talker):
    """One call of a page. What it can't do is what pages can't: nobody transfers it, and it has no keys."""

    def __init__(self, thread: LoopThread, page: in_page.Browser) -> None:
        super().__init__(thread, page)
        self._page = page

    def connected(self, within: float = WITHIN) -> None:
        """Sound and events can flow."""
        self._run(self._page.connected(within))

    def send(self, event: Mapping[str, Any]) -> None:
        """Send a client event by the data channel."""
        self._run(self._page.send(event))

    def receives(self, type_: str, within: float = WITHIN) -> Mapping[str, Any]:
        """The first server event of that type, now or when it comes."""
        return self._run(self._page.receives(type_, within)).data


class Journal:
    """What happened in this test: see `ringback.conformance.testing.journal.Journal`."""

    def __init__(self, thread: LoopThread, project: ProjectOfTest) -> None:
        self._run = thread.run
        self._journal = project.journal

    def records(self, kind: str | None = None, **data: Any) -> list[Record]:
        """What happened so far, oldest first, of that kind and with that data."""
        return self._journal.records(kind, **data)

    def requests_to(self, path: str, *, method: str | None = None) -> list[Record]:
        """REST requests of the application whose path matches the regular expression `path`."""
        return self._journal.requests_to(path, method=method)

    def events_sent(self, type_: str | None = None) -> list[dict[str, Any]]:
        """The events that the application sent, on all its channels."""
        return self._journal.events_sent(type_)

    def events_received(self, type_: str | None = None) -> list[dict[str, Any]]:
        """The events that the application was sent."""
        return self._journal.events_received(type_)

    @property
    def ladder(self) -> str:
        """All of it as a picture of three columns."""
        return self._journal.ladder

    def assert_no_errors(self) -> None:
        """Raises `ExpectationFailed` when anything of the application was refused, failed, or went wrong."""
        self._journal.assert_no_errors()

    def wait_for(self, kind: str, *, within: float = WITHIN, **data: Any) -> Record:
        """The first record of that kind with that data, now or when it comes. Raises `ExpectationFailed`."""
        return self._run(self._journal.wait_for(kind, within=within, **data))


class Clock:
    """The clock of `@pytest.mark.ringback(clock="manual")`: it stands still unless the test waits for something."""

    def __init__(self, emulator: EmulatorThread) -> None:
        self._emulator = emulator

    def advance(self, duration: float | str) -> None:
        """Let time pass: seconds, or words such as `"61 min"`. Whatever is due on the way happens at its time."""
        needs_manual(self._emulator, "advance").run(self._emulator.advance(seconds_of(duration)))

    def run_until_idle(self) -> None:
        """Return when nobody has anything to do at this moment. Time does not move."""
        needs_manual(self._emulator, "run_until_idle").run(self._emulator.run_until_idle())

    def now(self) -> float:
        """Unix time by the emulator's clock."""
        return self._emulator.thread.run(self._emulator.now())


def needs_manual(emulator: EmulatorThread, what: str) -> LoopThread:
    """The thread of an emulator whose clock a test may move. Raises `WrongUse` for another."""
    if not emulator.is_virtual:
        raise WrongUse(f"clock.{what}() is for tests that are marked @pytest.mark.ringback(clock='manual')")
    return emulator.thread


class Facts:
    """What an application needs to know of a test's project. The fixtures put it into the environment."""

    def __init__(self, emulator: EmulatorThread, project: ProjectOfTest, faults: Iterable[Fault] = ()) -> None:
        self._project = project
        self._thread = emulator.thread
        self._is_virtual = emulator.is_virtual
        self.faults = Faults(emulator.thread, project, faults)
        known = project.project
        self.base_url = known.base_url
        self.api_key = known.api_key
        self.webhook_secret = known.webhook_secret
        self.project_id = known.id
        self.sip = known.sip
        self.ca_file = known.ca_file

    @property
    def scenario(self) -> ScenarioBuilder:
        """What the model says and calls: `scenario.when(heard="human").call("transfer", target="tel:+1…")`. What it
        does not answer, the built-in model does. `docs/scenarios.md` has the conditions."""
        return self._project.project.scenario

    @property
    def environment(self) -> dict[str, str]:
        """What OpenAI's SDKs read."""
        return {
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": self.api_key,
            "OPENAI_WEBHOOK_SECRET": self.webhook_secret,
        }

    def _may_browse(self) -> None:
        if importlib.util.find_spec("aiortc") is None:
            pytest.skip("ringback.browse() needs aiortc, which is not installed")
        if self._is_virtual:
            raise WrongUse(
                "ringback.browse() is for tests with the system clock: ICE and DTLS have clocks of their own"
            )


class Ringback(Facts):
    """One test's project in a running emulator: who is told of calls, who calls, and what happened."""

    def __init__(self, emulator: EmulatorThread, project: ProjectOfTest, faults: Iterable[Fault] = ()) -> None:
        super().__init__(emulator, project, faults)
        self.journal = Journal(emulator.thread, project)
        self.clock = Clock(emulator)

    def webhook(self, application: Any, *, path: str = "/") -> None:
        """Who is told of calls: a URL, or an ASGI, WSGI or aiohttp application object that is called in this process,
        by `POST path`."""
        self._thread.run(self._project.webhook(application, path))

    def start(
        self,
        *command: str | Path,
        ready: str | re.Pattern[str] | None = None,
        within: float = START,
        cwd: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Program:
        """Run an application as a process, until the test is over. It meets the emulator even where it says
        `https://api.openai.com`, as under `ringback exec`. Returns when it has printed `ready`."""
        redirected = self._thread.run(self._project.environment())
        program = self._project.start([os.fspath(word) for word in command], {**redirected, **(environment or {})}, cwd)
        if ready is not None:
            program.prints(ready, within)
        return program

    def dial(
        self,
        *,
        from_: str = "+14255550100",
        to: str | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Transport = "tls",
        via: Via = "sip",
    ) -> Caller:
        """Call the application, over SIP and RTP or from hand to hand. Returns at once; the call then rings."""
        caller = self._thread.run(self._project.dial(from_, to, headers or {}, transport, via))
        return Caller(self._thread, caller)

    def browse(
        self, *, session: Mapping[str, Any] | None = None, secret: str | None = None, through: str | None = None
    ) -> Browser:
        """Call from a browser, by WebRTC: with the project's key and a `session`, with a client `secret`, or `through`
        the URL of the application that takes offers and gives answers. Returns when the offer was answered."""
        self._may_browse()
        return Browser(self._thread, self._thread.run(self._project.browse(session, secret, through)))
