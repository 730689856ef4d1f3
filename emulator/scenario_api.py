"""`/_ringback/scenarios` and `/_ringback/projects/{project}/scenario`: who plays in a project, while it runs."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .calls.project import Project
from .errors import InvalidRequest, ResourceNotFound, UsageError
from .journal import Journal
from .routes import Api, Asked, Handler, Route
from .scenarios import Scenarios

if TYPE_CHECKING:
    from .model.casting import Part

BODY = {
    "description": "`docs/scenarios.md` has the shape.",
    "anyOf": [
        {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        {"type": "object", "properties": {"scenario": {"type": "object"}, "turn": {"type": "array"}}},
    ],
}
PLAYED = {
    "type": "object",
    "properties": {
        "name": {"type": ["string", "null"]},
        "strict": {"type": "boolean"},
        "steps": {"type": "array", "items": {"type": "object"}},
        "unread": {"type": "array", "items": {"type": "integer"}},
        "unmatched": {"type": "array", "items": {"type": "object"}},
    },
}


def routes(*, scenarios: Scenarios, journal: Journal, projects: Mapping[str, Project]) -> Api:
    """A scenario is given as TOML, as JSON of the same shape, or as `{"name": …}` of one that is known. No request
    makes the emulator read a file."""

    def project_of(asked: Asked) -> Project:
        project = projects.get(asked.name("project"))
        if project is None:
            raise ResourceNotFound(f"There is no project {asked.name('project')!r}")
        return project

    async def index(_: Asked) -> dict[str, Any]:
        return {"data": [{"name": name} for name in scenarios.names()]}

    async def add(asked: Asked) -> dict[str, Any]:
        part = await _part_of(asked.request, scenarios)
        name = scenarios.add(part)
        if name != asked.name("name"):
            raise InvalidRequest(f"The scenario calls itself {name!r}", param="name")
        return {"name": name}

    async def show(asked: Asked) -> dict[str, Any]:
        return _shown(scenarios, journal, project_of(asked).id)

    async def choose(asked: Asked) -> dict[str, Any]:
        project = project_of(asked)
        scenarios.choose(project.id, await _part_of(asked.request, scenarios))
        return _shown(scenarios, journal, project.id)

    async def forget(asked: Asked) -> None:
        scenarios.forget(project_of(asked).id)

    return _declared(index, add, show, choose, forget)


def _declared(index: Handler, add: Handler, show: Handler, choose: Handler, forget: Handler) -> Api:
    mine = "/_ringback/projects/{project}/scenario"
    body: dict[str, Any] = {"body": BODY, "body_types": ["application/toml"], "needs_body": True}
    return Api(
        routes=[
            Route(
                method="GET",
                path="/_ringback/scenarios",
                name="list_scenarios",
                says="The names that are known: those that are shipped, and those that were added.",
                handler=index,
                answer={"type": "object"},
            ),
            Route(
                method="PUT",
                path="/_ringback/scenarios/{name}",
                name="add_scenario",
                says="Make a scenario known by its name, so that markers can name it.",
                handler=add,
                answer={"type": "object"},
                **body,
            ),
            Route(
                method="GET",
                path=mine,
                name="show_scenario",
                says="What plays in the project's sessions, how often each step has answered, what is unread.",
                handler=show,
                answer="PlayedScenario",
                errors=[404],
            ),
            Route(
                method="PUT",
                path=mine,
                name="choose_scenario",
                says="Who plays in sessions that begin from now on: a known name, JSON or TOML of a scenario.",
                handler=choose,
                answer="PlayedScenario",
                errors=[404],
                **body,
            ),
            Route(
                method="DELETE",
                path=mine,
                name="forget_scenario",
                says="The built-in model plays again.",
                handler=forget,
                status=204,
                errors=[404],
            ),
        ],
        components={"PlayedScenario": PLAYED},
    )


async def _part_of(request: web.Request, scenarios: Scenarios) -> "Part":
    text = await request.text()
    try:
        if request.content_type != "application/json":
            from .model.schema import parse_scenario

            return parse_scenario(text, file="scenario.toml")
        body = json.loads(text)
        if not isinstance(body, dict):
            raise UsageError('give {"name": …}, or {"scenario": {…}, "turn": […]}')
        return scenarios.find(str(body["name"])) if "name" in body else scenarios.read(body)
    except (UsageError, ValueError) as error:
        raise InvalidRequest(str(error), param="scenario") from error


def _shown(scenarios: Scenarios, journal: Journal, project_id: str) -> dict[str, Any]:
    """What is chosen, how often each step has answered, and what went unanswered."""
    from .model.casting import name_of, scenario_of

    part = scenarios.chosen(project_id)
    unmatched = [
        {"call_id": entry.call_id, "scenario": entry.data["scenario"], "message": entry.data["message"]}
        for entry in journal.entries(kind="scenario.unmatched", project_id=project_id)
    ]
    if part is None or callable(part):
        name = None if part is None else name_of(part)
        return {"name": name, "strict": False, "steps": [], "unread": [], "unmatched": unmatched}
    scenario = scenario_of(part)
    used = scenarios.casting.used(project_id, scenario)
    steps = [
        {"number": step.number, "name": step.name, "where": step.where, "when": str(step.when), "used": count}
        for step, count in zip(scenario.steps, used, strict=True)
    ]
    return {
        "name": scenario.name,
        "strict": scenario.is_strict,
        "steps": steps,
        "unread": [step.number for step in scenarios.unread(project_id)],
        "unmatched": unmatched,
    }
