"""Which scenario plays in which project. Light to import: what reads and plays them comes with the first that asks."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from .config import Settings
from .errors import UsageError

if TYPE_CHECKING:
    from .model.casting import Casting, Part
    from .model.scenario import Step
    from .sessions.model import Model

Source: TypeAlias = "Part | Mapping[str, Any] | str"
"""A `Scenario` or a builder of one, data as TOML would give it, a function that answers a turn, or the name of a
scenario that is shipped or of a file."""


class Scenarios:
    """The scenarios of the projects of one emulator. `fallback` is who answers where no scenario does, by project."""

    def __init__(self, settings: Settings, fallback: "Callable[[str], Model]") -> None:
        self._settings = settings
        self._fallback = fallback
        self._casting: Casting | None = None
        self._added: dict[str, Part] = {}

    # Input

    def choose(self, project_id: str, source: Source) -> None:
        """The project's sessions that begin from now on are played by this. Its steps are all unread. Raises
        `UsageError`; that of a scenario that can't be read is a `ScenarioError`, which has the lines."""
        part = self.read(source)
        self.casting.choose(project_id, part)

    def forget(self, project_id: str) -> None:
        """The project has no scenario any more; sessions that run go on."""
        if self._casting is not None:
            self._casting.forget(project_id)

    def add(self, source: Source) -> str:
        """Make a scenario known by its name, so that markers can name it. Returns the name."""
        from .model.casting import name_of

        part = self.read(source)
        name = name_of(part)
        self._added[name] = part
        return name

    # Queries

    def names(self) -> list[str]:
        """Of the scenarios that markers can name: those that were added, and those that are shipped."""
        from .scenario_files import shipped_names

        return sorted({*self._added, *shipped_names()})

    def find(self, name: str) -> "Part":
        """The scenario of that name. Never a file: clients ask, who should read none. Raises `UsageError`."""
        from .scenario_files import shipped, shipped_names

        if name in self._added:
            return self._added[name]
        if name not in shipped_names():
            raise UsageError(f"there is no scenario {name!r}: there are {', '.join(self.names())}")
        return shipped(name, close_code=self._settings.disconnect_close)

    def chosen(self, project_id: str) -> "Part | None":
        """What plays in the project's sessions, None where that is the built-in model."""
        return None if self._casting is None else self._casting.chosen(project_id)

    def unread(self, project_id: str) -> "list[Step]":
        """The steps of the project's strict scenarios that no session has used up."""
        return [] if self._casting is None else self._casting.unread(project_id)

    def model_for(self, project_id: str) -> "Model":
        """Who answers in a session that begins now."""
        return self.casting.model_for(project_id)

    def read(self, source: Source) -> "Part":
        """What `choose` takes, as what plays."""
        from .model.schema import read_scenario
        from .scenario_files import load

        if isinstance(source, str):
            return load(source, close_code=self._settings.disconnect_close)
        if isinstance(source, Mapping):
            return read_scenario(source, close_code=self._settings.disconnect_close)
        return source

    @property
    def casting(self) -> "Casting":
        if self._casting is None:
            from .model.casting import Casting

            self._casting = Casting(fallback=self._fallback, find=self.find, pace=self._settings.model_pace)
        return self._casting
