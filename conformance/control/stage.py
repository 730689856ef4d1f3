"""What the control API works on: projects with their callers, and the calls that were placed, by number.

It brings the phone with it, so it is made when the first request asks for it.
"""

import asyncio
import importlib
import io
import random
import re
import tempfile
import wave
from collections.abc import Iterable, Mapping
from typing import Any

from ..mutants import load
from ..targets.controlled import ControlledEmulator
from ..targets.routes import InvalidRequest, ResourceNotFound, WrongMoment
from ..testing.browser import Browser
from ..testing.caller import Caller, Talker
from ..testing.journal import WITHIN
from ..testing.project import ProjectOfTest


class Stage:
    """Everything by ids and numbers. Raises what the parts raise; `Control` says it in HTTP."""

    def __init__(self, emulator: ControlledEmulator, patience: float = 1.0) -> None:
        self.emulator = emulator
        self._patience = patience
        self._projects: dict[str, ProjectOfTest] = {}
        self._calls: dict[int, tuple[str, Talker]] = {}
        self._placed = 0
        self._faults: dict[str, list[str]] = {}
        self._is_closed = False

    async def close(self) -> None:
        """Hang up all calls. Whoever waits for their end still gets it."""
        self._is_closed = True
        for project in tuple(self._projects.values()):
            await project.hang_up()

    # Projects

    def add_project(
        self, *, webhooks: Iterable[str], auto_accept: bool, scenario: Any, faults: list[str]
    ) -> dict[str, Any]:
        _known(faults)
        project_id = self.emulator.add_project(webhook_urls=webhooks, auto_accept=auto_accept, scenario=scenario)
        self.set_faults(project_id, faults)
        return self.show_project(project_id)

    def show_project(self, project_id: str) -> dict[str, Any]:
        return {**self.emulator.facts(project_id), "faults": self._faults.get(project_id, [])}

    def set_faults(self, project_id: str, names: list[str]) -> None:
        known = _known(names)
        if names or project_id in self._faults:
            self.emulator.put_faults(project_id, [known[name].fault for name in names])
            self._faults[project_id] = names

    async def remove_project(self, project_id: str) -> list[str]:
        """What was left open, in words."""
        if project_id == self.emulator.first_id:
            raise WrongMoment(f"{project_id} is the project that the emulator was started with: it stays")
        project = self.project(project_id)
        self._projects.pop(project_id)
        self._faults.pop(project_id, None)
        self._calls = {number: placed for number, placed in self._calls.items() if placed[0] != project_id}
        left = await project.leaks()
        await project.close()
        return left

    def project(self, project_id: str) -> ProjectOfTest:
        if project_id not in self._projects:
            rng = None if self.emulator.seed is None else random.Random(self.emulator.seed)
            project = self.emulator.project(project_id)
            self._projects[project_id] = ProjectOfTest(project, rng=rng, patience=self._patience)
        return self._projects[project_id]

    # Calls

    async def place(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        if self._is_closed:
            raise WrongMoment("The emulator stops: nobody can call it any more")
        project_id = wanted.get("project", self.emulator.first_id)
        project = self.project(project_id)
        via = wanted.get("via", "sip")
        caller: Talker
        if via == "webrtc":
            # It takes half a second to import, for which no call may stutter.
            await asyncio.to_thread(importlib.import_module, "..client.webrtc", __package__)
            caller = await project.browse(*(wanted.get(name) for name in ("session", "secret", "through")))
        else:
            caller = await project.dial(
                wanted.get("from", "+14255550100"),
                wanted.get("to"),
                wanted.get("headers", {}),
                wanted.get("transport", "tls"),
                via,
            )
        self._placed += 1
        self._calls[self._placed] = (project_id, caller)
        return self.show_call(self._placed)

    def numbers(self) -> list[int]:
        return list(self._calls)

    def caller(self, number: int) -> Talker:
        return self._find(number)[1]

    def phone(self, number: int) -> Caller:
        caller = self.caller(number)
        if not isinstance(caller, Caller):
            raise WrongMoment(f"Call {number} is a page's: it has no keys, nobody transfers it, and it does not ring")
        return caller

    def page(self, number: int) -> Browser:
        caller = self.caller(number)
        if not isinstance(caller, Browser):
            raise WrongMoment(f"Call {number} is a phone's: it has no events")
        return caller

    def show_call(self, number: int) -> dict[str, Any]:
        project_id, caller = self._find(number)
        call_id = caller.id
        states = [
            each.data["to"]
            for each in self.project(project_id).journal.records("call.state")
            if each.call_id == call_id
        ]
        return {
            "number": number,
            "project": project_id,
            "call_id": call_id,
            "state": states[-1] if states else "calling",
            "heard": caller.heard,
            "is_over": caller.is_over,
        }

    async def play(self, number: int, sound: bytes) -> None:
        """A WAV file's bytes."""
        try:
            wave.open(io.BytesIO(sound), "rb").close()
        except (EOFError, wave.Error) as error:
            raise InvalidRequest(f"The body must be a WAV file of 16-bit samples: {error}") from error
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            file.write(sound)
            file.flush()
            await self.caller(number).play(file.name)

    async def expect(self, number: int, what: str, wanted: Any, within: float = WITHIN) -> Any:
        """What was found. Raises `ExpectationFailed`."""
        if what == "answered":
            return await self.phone(number).answered(within)
        if what == "rejected":
            return await self.phone(number).rejected(None if wanted is True else wanted, within)
        if what == "transferred_to":
            return await self.phone(number).transferred_to(wanted, within)
        if what == "connected":
            return await self.page(number).connected(within)
        if what == "receives":
            return (await self.page(number).receives(wanted, within)).data
        if what == "hears":
            return await self.caller(number).hears(_text(wanted), within)
        assert what == "ended"
        return await self.caller(number).ended(None if wanted is True else wanted, within)

    def _find(self, number: int) -> tuple[str, Talker]:
        if number not in self._calls:
            raise ResourceNotFound(f"There is no call {number}: GET /_ringback/calls lists them")
        return self._calls[number]


def faults() -> list[dict[str, str]]:
    """What may be named, and what it does wrong."""
    return [{"name": each.name, "says": each.says, "breaks": each.breaks} for each in load().values()]


def _known(names: list[str]) -> Mapping[str, Any]:
    known = load() if names else {}
    for name in names:
        if name not in known:
            raise InvalidRequest(f"There is no fault {name!r}: GET /_ringback/faults lists them", param="faults")
    return known


def _text(wanted: Any) -> str | re.Pattern[str] | None:
    if wanted is True:
        return None
    if isinstance(wanted, str):
        return wanted
    try:
        return re.compile(wanted["pattern"])
    except re.error as error:
        raise InvalidRequest(f"hears.pattern: {error}", param="hears.pattern") from error
