"""`/_ringback/scenarios` and `/_ringback/projects/{project}/scenario`: who plays in a project, while it runs."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .calls.project import Project
from .errors import InvalidRequest, ResourceNotFound, UsageError
from .journal import Journal
from .scenarios import Scenarios

if TYPE_CHECKING:
    from .model.casting import Part


def add_routes(
    app: web.Application, *, scenarios: Scenarios, journal: Journal, projects: Mapping[str, Project]
) -> None:
    """A scenario is given as TOML, as JSON of the same shape, or as `{"name": …}` of one that is known. No request
    makes the emulator read a file."""

    def project_of(request: web.Request) -> Project:
        project = projects.get(request.match_info["project"])
        if project is None:
            raise ResourceNotFound(f"There is no project {request.match_info['project']!r}")
        return project

    async def index(_: web.Request) -> web.Response:
        return web.json_response({"data": [{"name": name} for name in scenarios.names()]})

    async def add(request: web.Request) -> web.Response:
        part = await _part_of(request, scenarios)
        name = scenarios.add(part)
        if name != request.match_info["name"]:
            raise InvalidRequest(f"The scenario calls itself {name!r}", param="name")
        return web.json_response({"name": name})

    async def show(request: web.Request) -> web.Response:
        return web.json_response(_shown(scenarios, journal, project_of(request).id))

    async def choose(request: web.Request) -> web.Response:
        project = project_of(request)
        scenarios.choose(project.id, await _part_of(request, scenarios))
        return web.json_response(_shown(scenarios, journal, project.id))

    async def forget(request: web.Request) -> web.Response:
        scenarios.forget(project_of(request).id)
        return web.Response(status=204)

    app.router.add_get("/_ringback/scenarios", index)
    app.router.add_put("/_ringback/scenarios/{name}", add)
    app.router.add_get("/_ringback/projects/{project}/scenario", show)
    app.router.add_put("/_ringback/projects/{project}/scenario", choose)
    app.router.add_delete("/_ringback/projects/{project}/scenario", forget)


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
