"""A running emulator whose projects are looked at and changed by id, as the control API does."""

from collections.abc import Iterable
from typing import Any

from ringback.emulator.calls.project import Project
from ringback.emulator.errors import ResourceNotFound
from ringback.emulator.faults.plan import Fault
from ringback.emulator.server import INCOMING, Emulator

from .embedded import EmbeddedProject

__all__ = ["ControlledEmulator"]


class ControlledEmulator:
    """What has no such id raises `ResourceNotFound`; what can't be posted to or played, the emulator's `UsageError`."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.first_id = emulator.project.id
        self.seed = emulator.settings.seed

    # Input

    def add_project(self, *, webhook_urls: Iterable[str], auto_accept: bool, scenario: Any) -> str:
        """The id of a new tenant."""
        part = None if scenario is None else self._scenario(scenario)
        project = self._emulator.add_project(webhook_urls=webhook_urls, auto_accept=auto_accept, scenario=part)
        return project.id

    def set_webhooks(self, project_id: str, urls: Iterable[str]) -> None:
        self._emulator.set_webhooks(self._project(project_id), urls)

    def put_faults(self, project_id: str, faults: Iterable[Fault]) -> None:
        """These go wrong from now on, and no others."""
        self._emulator.faults.put(self._project(project_id).id, tuple(faults))

    # Queries

    def now(self) -> float:
        return self._emulator.clock.now()

    @property
    def is_waiting(self) -> bool:
        """Whether an application has a webhook in hand."""
        return self._emulator.requests_under_way > 0

    def project_ids(self) -> list[str]:
        return list(self._emulator.projects)

    def project(self, project_id: str) -> EmbeddedProject:
        """With everything that has happened in it."""
        return EmbeddedProject(self._emulator, self._project(project_id), since=0)

    def facts(self, project_id: str) -> dict[str, Any]:
        """What its application and its callers need to know."""
        project = self._project(project_id)
        ready = self._emulator.ready_for(project).as_dict()
        environment = {
            "OPENAI_BASE_URL": ready["base_url"],
            "OPENAI_API_KEY": ready["api_key"],
            "OPENAI_WEBHOOK_SECRET": ready["webhook_secret"],
        }
        return {
            "id": ready.pop("project_id"),
            **ready,
            "environment": environment,
            "webhooks": [endpoint.url for endpoint in project.endpoints.subscribers(INCOMING)],
            "auto_accept": project.auto_accept,
            "open_calls": self._emulator.open_calls(project),
        }

    # Private

    def _project(self, project_id: str) -> Project:
        project = self._emulator.projects.get(project_id)
        if project is None:
            raise ResourceNotFound(f"There is no project {project_id!r}: GET /_ringback/projects lists them")
        return project

    def _scenario(self, scenario: Any) -> Any:
        """A name is that of a scenario that is known, never of a file."""
        known = self._emulator.scenarios
        return known.find(scenario) if isinstance(scenario, str) else known.read(scenario)
