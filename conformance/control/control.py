"""The routes of the control API, and what they do. What they need comes with the first request."""

import asyncio
import contextlib
import importlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ..targets.routes import (
    Api,
    Asked,
    EmulatorMisused,
    Handler,
    InvalidRequest,
    NotAsExpected,
    ResourceNotFound,
    Route,
    Schema,
    WrongMoment,
)
from . import schemas

if TYPE_CHECKING:
    from ..testing.browser import Browser
    from ..testing.caller import Caller, Talker
    from .manual_time import ManualTime
    from .stage import Stage

T = TypeVar("T")
_Step: TypeAlias = tuple[str, str, Schema, Callable[[T, Any], Awaitable[None]]]
"""Its name, a sentence, what its body holds, and what it does with who is on the line."""
PROJECT = "/_ringback/projects/{project}"
CALL = "/_ringback/calls/{call}"
PHRASES = {
    "ringback.webhook(url or application)": "PUT /_ringback/projects/{project}/webhooks",
    "ringback.webhook_secret": "the project's webhook_secret",
    "ringback.base_url": "the project's base_url",
}
"""What failed expectations call things, and what they are called here."""


class Control:
    """Mounted by an emulator that is given it. With `time`, the clock is moved by requests; expectations wait
    `patience` times as long as they say."""

    def __init__(self, time: "ManualTime | None" = None, patience: float = 1.0) -> None:
        self._time = time
        self._patience = patience
        self._emulator: Any = None
        self._stage: Stage | None = None

    def routes(self, emulator: Any) -> Api:
        self._emulator = emulator
        return Api(routes=[*self._projects(), *self._calls(), *self._clock()], components=schemas.COMPONENTS)

    async def close(self) -> None:
        """Hang up all calls."""
        if self._stage is not None:
            await self._stage.close()

    @property
    def stage(self) -> "Stage":
        assert self._stage is not None, "a handler that was not declared with _told"
        return self._stage

    async def _set_up(self) -> None:
        """Make the stage. Its phone takes a third of a second to import, for which no call may stutter."""
        await asyncio.to_thread(importlib.import_module, f"{__package__}.stage")
        from ..targets.controlled import ControlledEmulator
        from .stage import Stage

        if self._stage is None:
            controlled = ControlledEmulator(self._emulator)
            self._stage = Stage(controlled, self._patience)
            if self._time is not None:
                self._time.has_webhook_out = lambda: controlled.is_waiting

    # The declarations

    def _projects(self) -> Iterator[Route]:
        listed = {"type": "object", "properties": {"data": {"type": "array", "items": _ref("Project")}}}
        left = {"type": "object", "properties": {"left_open": {"type": "array", "items": {"type": "string"}}}}
        yield self._get(
            "/_ringback/projects", "list_projects", "Every project, the first one first.", self._list_projects, listed
        )
        yield self._post(
            "/_ringback/projects",
            "add_project",
            "A project of its own: id, key, secret, faults.",
            self._add_project,
            schemas.NEW_PROJECT,
            "Project",
            status=201,
        )
        yield self._get(PROJECT, "show_project", "One project.", self._show_project, "Project", errors=[404])
        yield Route(
            method="DELETE",
            path=PROJECT,
            name="remove_project",
            handler=self._told(self._remove_project),
            says="Forget a project, and say what was left open: calls, webhooks, unread steps.",
            answer=left,
            errors=[404, 409],
        )
        yield self._put(
            f"{PROJECT}/webhooks",
            "set_webhooks",
            "Who is told of calls, in place of who was.",
            self._set_webhooks,
            schemas.WEBHOOKS,
        )
        yield self._put(
            f"{PROJECT}/faults",
            "set_faults",
            "What goes wrong from now on, in place of what did.",
            self._set_faults,
            schemas.FAULTS,
        )
        yield self._get(
            "/_ringback/faults", "list_faults", "The faults that there are.", self._list_faults, {"type": "object"}
        )
        yield Route(
            method="GET",
            path=f"{PROJECT}/ladder",
            name="show_ladder",
            handler=self._told(self._ladder),
            says="What happened as a picture of three columns.",
            answer_types=["text/plain"],
            errors=[404],
        )
        yield self._post(
            f"{PROJECT}/expect",
            "expect_of_project",
            "Wait for an entry of the journal, or look for what went wrong.",
            self._expect_of_project,
            schemas.PROJECT_EXPECTATION,
            {"type": "object"},
            errors=[404, 417],
        )

    def _calls(self) -> Iterator[Route]:
        listed = {"type": "object", "properties": {"data": {"type": "array", "items": _ref("Call")}}}
        yield self._get("/_ringback/calls", "list_calls", "The calls that were placed here.", self._list_calls, listed)
        yield self._post(
            "/_ringback/calls",
            "place_call",
            "Call the application; answers at once, and it rings. A page's offer is answered before.",
            self._place,
            schemas.NEW_CALL,
            "Call",
            status=201,
            errors=[404, 409, 417],
        )
        yield self._get(CALL, "show_call", "One call.", self._show_call, "Call", errors=[404])
        both: list[_Step[Talker]] = [
            (
                "say",
                "Say it when the other side has stopped speaking; answers when it is said.",
                schemas.TEXT,
                lambda caller, body: caller.say(body["text"]),
            ),
            (
                "interrupt",
                "Say it at once, whoever speaks.",
                schemas.TEXT,
                lambda caller, body: caller.interrupt(body["text"]),
            ),
            (
                "silence",
                "Say nothing for so long.",
                schemas.SECONDS,
                lambda caller, body: caller.silence(body["seconds"]),
            ),
            ("hang_up", "End the call, whatever its state.", schemas.EMPTY, lambda caller, body: caller.hang_up()),
        ]
        phones: list[_Step[Caller]] = [
            ("press", "Press keys.", schemas.DIGITS, lambda caller, body: caller.press(body["digits"])),
            (
                "ring_for",
                "Let it ring for so long, then give up unless somebody has answered.",
                schemas.SECONDS,
                lambda caller, body: caller.ring_for(body["seconds"]),
            ),
            ("hold", "Put the other side on hold.", schemas.EMPTY, lambda caller, body: caller.hold()),
            ("resume", "End the hold.", schemas.EMPTY, lambda caller, body: caller.resume()),
            ("cancel", "Give up before the answer.", schemas.EMPTY, lambda caller, body: caller.cancel()),
        ]
        pages: list[_Step[Browser]] = [
            ("send", "Send a client event, of a page.", schemas.EVENT, lambda page, body: page.send(body["event"])),
        ]
        yield from self._steps(both, lambda number: self.stage.caller(number))
        yield from self._steps(phones, lambda number: self.stage.phone(number))
        yield from self._steps(pages, lambda number: self.stage.page(number))
        yield Route(
            method="POST",
            path=f"{CALL}/play",
            name="play",
            handler=self._told(self._play),
            says="Play a WAV file of 16-bit samples, the body.",
            body_types=["audio/wav"],
            needs_body=True,
            answer="Call",
            errors=[404, 409],
        )
        yield self._post(
            f"{CALL}/expect",
            "expect_of_call",
            "Wait for one thing; 417 when it does not happen.",
            self._expect_of_call,
            schemas.CALL_EXPECTATION,
            "Met",
            errors=[404, 409, 417],
        )

    def _steps(self, steps: "list[_Step[T]]", find: Callable[[int], T]) -> Iterator[Route]:
        for name, says, body, step in steps:
            handler = self._stepping(find, step)
            yield self._post(f"{CALL}/{name}", name, says, handler, body, "Call", errors=[404, 409])

    def _clock(self) -> Iterator[Route]:
        yield self._get("/_ringback/clock", "show_clock", "The emulator's time.", self._show_clock, "Clock")
        yield self._post(
            "/_ringback/clock/advance",
            "advance_clock",
            "Let time pass; whatever is due on the way happens. Only with `--clock manual`.",
            self._advance,
            schemas.DURATION,
            "Clock",
            errors=[409],
        )
        yield self._post(
            "/_ringback/clock/run_until_idle",
            "run_until_idle",
            "Answers when nothing is left to do at this moment. Only with `--clock manual`.",
            self._run_until_idle,
            schemas.EMPTY,
            "Clock",
            errors=[409],
        )

    # Projects

    async def _list_projects(self, _: Asked) -> Any:
        return {"data": [self.stage.show_project(each) for each in self.stage.emulator.project_ids()]}

    async def _add_project(self, asked: Asked) -> Any:
        body = asked.body
        return self.stage.add_project(
            webhooks=body.get("webhooks", []),
            auto_accept=body.get("auto_accept", False),
            scenario=body.get("scenario"),
            faults=body.get("faults", []),
        )

    async def _show_project(self, asked: Asked) -> Any:
        return self.stage.show_project(asked.name("project"))

    async def _remove_project(self, asked: Asked) -> Any:
        return {"left_open": await self.stage.remove_project(asked.name("project"))}

    async def _set_webhooks(self, asked: Asked) -> Any:
        self.stage.emulator.set_webhooks(asked.name("project"), asked.body["urls"])
        return self.stage.show_project(asked.name("project"))

    async def _set_faults(self, asked: Asked) -> Any:
        project = self.stage.show_project(asked.name("project"))
        self.stage.set_faults(project["id"], asked.body["faults"])
        return self.stage.show_project(project["id"])

    async def _list_faults(self, _: Asked) -> Any:
        from .stage import faults

        return {"data": faults()}

    async def _ladder(self, asked: Asked) -> Any:
        from aiohttp import web

        return web.Response(text=self.stage.project(asked.name("project")).journal.ladder + "\n")

    async def _expect_of_project(self, asked: Asked) -> Any:
        journal = self.stage.project(asked.name("project")).journal
        body = asked.body
        if ("kind" in body) == ("no_errors" in body):
            raise InvalidRequest("Expect one thing: kind or no_errors")
        if "no_errors" in body:
            journal.assert_no_errors()
            return {"found": None}
        options = {"within": body["within"]} if "within" in body else {}
        found = await journal.wait_for(body["kind"], **options, **body.get("data", {}))
        return {
            "found": {
                "sequence": found.sequence,
                "at": found.at,
                "kind": found.kind,
                "call_id": found.call_id,
                "sip_call_id": found.sip_call_id,
                "data": dict(found.data),
            }
        }

    # Calls

    async def _list_calls(self, _: Asked) -> Any:
        return {"data": [self.stage.show_call(number) for number in self.stage.numbers()]}

    async def _place(self, asked: Asked) -> Any:
        if self._time is not None and asked.body.get("via") == "webrtc":
            raise WrongMoment("WebRTC needs the system's clock: ICE and DTLS have clocks of their own")
        return await self.stage.place(asked.body)

    async def _show_call(self, asked: Asked) -> Any:
        return self.stage.show_call(_number(asked))

    def _stepping(self, find: Callable[[int], T], step: Callable[[T, Any], Awaitable[None]]) -> Handler:
        async def handle(asked: Asked) -> Any:
            number = _number(asked)
            await step(find(number), asked.body)
            return self.stage.show_call(number)

        return handle

    async def _play(self, asked: Asked) -> Any:
        number = _number(asked)
        await self.stage.play(number, asked.body)
        return self.stage.show_call(number)

    async def _expect_of_call(self, asked: Asked) -> Any:
        number, body = _number(asked), dict(asked.body)
        options = {"within": body.pop("within")} if "within" in body else {}
        if len(body) != 1:
            raise InvalidRequest(f"Expect one thing: {', '.join(schemas.CALL_EXPECTATIONS)}")
        ((what, wanted),) = body.items()
        found = await self.stage.expect(number, what, wanted, **options)
        return {"call": self.stage.show_call(number), "found": found}

    # The clock

    async def _show_clock(self, _: Asked) -> Any:
        return {"kind": "system" if self._time is None else "manual", "now": self.stage.emulator.now()}

    async def _advance(self, asked: Asked) -> Any:
        from ..testing.clock import seconds_of

        seconds = seconds_of(asked.body["duration"])
        with self._manual().jumping():
            await asyncio.sleep(seconds)
        return await self._show_clock(asked)

    async def _run_until_idle(self, asked: Asked) -> Any:
        time = self._manual()
        with time.jumping():
            await time.loop.idle()
        return await self._show_clock(asked)

    def _manual(self) -> "ManualTime":
        if self._time is None:
            raise WrongMoment("The clock is the system's: start with `ringback serve --clock manual` to move it")
        return self._time

    # Private: declaring, and what errors are in HTTP

    def _get(self, path: str, name: str, says: str, handler: Handler, answer: Schema | str, **more: Any) -> Route:
        return Route(method="GET", path=path, name=name, says=says, handler=self._told(handler), answer=answer, **more)

    def _post(
        self, path: str, name: str, says: str, handler: Handler, body: Schema, answer: Schema | str, **more: Any
    ) -> Route:
        return Route(
            method="POST",
            path=path,
            name=name,
            says=says,
            handler=self._told(handler),
            body=body,
            answer=answer,
            needs_body="required" in body,
            **more,
        )

    def _put(self, path: str, name: str, says: str, handler: Handler, body: Schema) -> Route:
        return Route(
            method="PUT",
            path=path,
            name=name,
            says=says,
            handler=self._told(handler),
            body=body,
            needs_body=True,
            answer="Project",
            errors=[404],
        )

    def _told(self, handler: Handler) -> Handler:
        async def handle(asked: Asked) -> Any:
            if self._stage is None:
                await self._set_up()
            with _in_http(), contextlib.nullcontext() if self._time is None else self._time.passing():
                return await handler(asked)

        return handle


@contextlib.contextmanager
def _in_http() -> Iterator[None]:
    from ..client.errors import FarEndError, UsageError, WaitTimeout
    from ..testing.errors import ExpectationFailed, WrongUse

    try:
        yield
    except ExpectationFailed as error:
        message = str(error)
        for python, here in PHRASES.items():
            message = message.replace(python, here)
        raise NotAsExpected(message) from error
    except WaitTimeout as error:
        raise NotAsExpected(str(error)) from error
    except (WrongUse, EmulatorMisused) as error:
        raise InvalidRequest(str(error)) from error
    except (UsageError, FarEndError) as error:
        raise WrongMoment(str(error)) from error


def _number(asked: Asked) -> int:
    text = asked.name("call")
    if not text.isdecimal():
        raise ResourceNotFound(f"There is no call {text!r}: calls have numbers")
    return int(text)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
