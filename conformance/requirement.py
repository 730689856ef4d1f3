"""What is required: one declaration each, with its source, and the check that judges it.

::

    @requirement(
        "CALL-REJECT-01",
        level=Level.MUST,
        says="A reject without a status sends 603 to the caller.",
        evidence="DOC",
        clause="OpenAPI, POST /realtime/calls/{call_id}/reject",
        link=SPEC,
        needs={"sip", "webhooks"},
    )
    async def reject_sends_603_by_default(bench: Bench) -> None:
        call, call_id = await bench.ring()
        ...
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from .sources import rfc_of

if TYPE_CHECKING:
    from .bench import Bench

Evidence = Literal["DOC", "SDK", "RFC", "OBS", "CHOICE"]

Capability = Literal[
    "rest",
    "webhooks",
    "webhook-secret",
    "webhook-endpoints",
    "sip",
    "sip-tls",
    "sip-tcp",
    "sip-udp",
    "sip-update",
    "sip-timer",
    "sip-100rel",
    "sip-info",
    "sip-reconnect",
    "srtp",
    "opus",
    "g722",
    "refer",
    "dtmf",
    "sideband",
    "ws",
    "client-secrets",
    "webrtc",
    "tonecode",
    "mcp",
    "clock",
    "isolation",
]
"""What a target can do. `sip`: at least one SIP transport; `sip-update` (RFC 3311), `sip-timer` (RFC 4028),
`sip-100rel` (RFC 3262) and `sip-info` (digits by INFO) are extensions that nobody must have. `sip-reconnect`: it can
open a connection to the phone. `opus` and `g722`: it answers a call by SIP that offers nothing else. `webhook-secret`:
the secret is known, signatures can be verified. `ws`: a session of its own by `?model=`. `mcp`: a server that nobody
runs has the tools that `allowed_tools` names. `clock`: its time can be moved. `isolation`: each check gets a project of
its own, so that retries and rotations of one never meet another's."""
CALLING: frozenset[str] = frozenset({"sip", "sip-tls", "sip-tcp", "sip-udp", "ws", "webrtc"})
"""What costs money where the target is the real service: a check that needs one of these places a call."""

CAPABILITIES: frozenset[str] = frozenset(get_args(Capability))
MOST_WORDS = 20
_ID = re.compile(r"[A-Z]+(-[A-Z0-9]+)*-\d\d\Z")


class Level(Enum):
    """How much a requirement weighs. CHOICE is reported and never failed: nobody knows what is right."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    OBSERVED = "OBSERVED"
    CHOICE = "CHOICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that a target has to do. `id` is a name for ever, never a position; `says` is one sentence."""

    id: str
    level: Level
    says: str
    evidence: Evidence
    clause: str
    link: str | None
    needs: frozenset[str]
    calls: int = 0
    """How many calls and sessions its check opens at most. What a live run may cost is reckoned from it."""

    def __post_init__(self) -> None:
        if _ID.match(self.id) is None:
            raise ValueError(f"{self.id!r}: an id is like CALL-REJECT-01")
        if len(self.says.split()) > MOST_WORDS or not self.says.endswith("."):
            raise ValueError(f"{self.id}: one sentence of at most {MOST_WORDS} words")
        if self.level in (Level.MUST, Level.SHOULD) and self.evidence not in ("DOC", "SDK", "RFC"):
            raise ValueError(f"{self.id}: {self.level.value} needs a source: DOC, SDK or RFC, not {self.evidence}")
        if unknown := self.needs - CAPABILITIES:
            raise ValueError(f"{self.id}: no target declares {', '.join(sorted(unknown))}")

    @property
    def family(self) -> str:
        """The clause family: `CALL-REJECT` of `CALL-REJECT-01`."""
        return self.id.rpartition("-")[0]

    @property
    def area(self) -> str:
        """The area: `CALL` of `CALL-REJECT-01`."""
        return self.id.partition("-")[0]


Check: TypeAlias = "Callable[[Bench], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class Declared:
    """A requirement with its check."""

    requirement: Requirement
    check: Check


class Catalogue:
    """Every requirement, in the order of declaration; `load_checks` fills the one that everybody uses."""

    def __init__(self) -> None:
        self._declared: dict[str, Declared] = {}

    def add(self, requirement: Requirement, check: Check) -> None:
        """Raises `ValueError` for an id that is taken."""
        if requirement.id in self._declared:
            raise ValueError(f"{requirement.id} is declared twice")
        self._declared[requirement.id] = Declared(requirement, check)

    def __getitem__(self, requirement_id: str) -> Declared:
        return self._declared[requirement_id]

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self._declared

    def __iter__(self) -> Iterator[Declared]:
        return iter(self._declared.values())

    def __len__(self) -> int:
        return len(self._declared)

    def only(self, wanted: Iterable[str]) -> list[Declared]:
        """Those with one of the ids, or in one of the areas (`CALL`, `CALL-REJECT`); all where nothing is wanted.

        Raises `ValueError` for what names nothing.
        """
        wanted = [name.upper() for name in wanted]
        for name in wanted:
            if not any(_is_in(each.requirement.id, name) for each in self):
                raise ValueError(f"{name} is no requirement and no area of requirements")
        return [each for each in self if not wanted or any(_is_in(each.requirement.id, name) for name in wanted)]


def _is_in(requirement_id: str, name: str) -> bool:
    return requirement_id == name or requirement_id.startswith(f"{name}-")


CATALOGUE = Catalogue()


def requirement(
    id: str,
    *,
    level: Level,
    says: str,
    evidence: Evidence,
    clause: str,
    link: str | None = None,
    needs: Iterable[str] = (),
    calls: int | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Callable[[Check], Check]:
    """Declare a requirement; the decorated function is its check.

    Without `calls` it is one where `needs` names something that is called, else none. Without `link` an RFC's is that
    of the first section that `clause` names.
    """
    wanted = frozenset(needs)
    declared = Requirement(
        id=id,
        level=level,
        says=says,
        evidence=evidence,
        clause=clause,
        link=rfc_of(clause) if link is None and evidence == "RFC" else link,
        needs=wanted,
        calls=int(bool(wanted & CALLING)) if calls is None else calls,
    )

    def register(check: Check) -> Check:
        catalogue.add(declared, check)
        return check

    return register


def load_checks() -> Catalogue:
    """Import every module of `checks`, so that the catalogue is whole."""
    from . import checks

    checks.load()
    return CATALOGUE
