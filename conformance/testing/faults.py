"""What goes wrong on purpose in a test: named faults, or faults of one's own."""

from collections.abc import Iterable

from ..mutants import load
from ..targets.embedded import Fault
from .errors import WrongUse
from .loop_thread import LoopThread
from .project import ProjectOfTest


class Faults:
    """`ringback.faults`: to be changed at any time of a test. What struck is in the journal, as `fault.struck`."""

    def __init__(self, thread: LoopThread, project: ProjectOfTest, wanted: Iterable[Fault] = ()) -> None:
        self._thread = thread
        self._project = project
        self._now = list(wanted)

    def add(self, *faults: str | Fault) -> None:
        """From now on these go wrong as well: names that
        `ringback conformance --target mutant:all --list` has, or `Fault`s."""
        self._put([*self._now, *faults_of(faults)])

    def clear(self) -> None:
        """From now on nothing goes wrong on purpose."""
        self._put([])

    @property
    def struck(self) -> list[str]:
        """The names of the faults that took effect, oldest first."""
        return [str(record.data["name"]) for record in self._project.journal.records("fault.struck")]

    def _put(self, faults: list[Fault]) -> None:
        self._now = faults
        self._thread.run(self._project.put_faults(faults))


def faults_of(wanted: Iterable[str | Fault]) -> list[Fault]:
    """The faults that are meant. Raises `WrongUse` for a name that none has."""
    wanted = list(wanted)
    known = load() if any(isinstance(each, str) for each in wanted) else {}
    found = []
    for each in wanted:
        if isinstance(each, Fault):
            found.append(each)
        elif each in known:
            found.append(known[each].fault)
        else:
            raise WrongUse(f"fault {each!r}: `ringback conformance --target mutant:all --list` has the names")
    return found
