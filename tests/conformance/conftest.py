"""A catalogue of requirements that pass, fail, or do as they are told, and a target that is only a name."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ringback.conformance.bench import Bench
from ringback.conformance.requirement import Catalogue, Level, Requirement, requirement
from ringback.conformance.target import Access, TargetUnreachable
from ringback.conformance.tolerance import Tolerances

Declare = Callable[..., None]


class NamedTarget:
    """Nothing is behind it. `is_gone` makes it unreachable for whoever asks after a check."""

    name = "somewhere"
    concurrency = 1

    def __init__(self) -> None:
        self.capabilities = frozenset({"rest"})
        self.tolerances = Tolerances()
        self.is_gone = False
        self.refuses: str | None = None
        self.stays_open: str | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        if self.refuses is not None:
            raise TargetUnreachable(self.refuses)
        yield
        if self.stays_open is not None:
            raise TargetUnreachable(self.stays_open)

    @asynccontextmanager
    async def access(self, requirement: Requirement) -> AsyncIterator[Access]:
        yield Access(base_url="http://127.0.0.1:1/v1", api_key="sk-of-nobody")

    async def still_there(self) -> None:
        if self.is_gone:
            raise TargetUnreachable("nobody answers any more")


@pytest.fixture
def target() -> NamedTarget:
    return NamedTarget()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def declare(catalogue: Catalogue) -> Declare:
    """`declare("A-B-01", check)` with anything else that a requirement may say."""

    def add(id: str, check: Callable[[Bench], Awaitable[None]], **more: Any) -> None:
        options = {"level": Level.MUST, "evidence": "DOC", "says": "It does.", "clause": "a page", **more}
        requirement(id, catalogue=catalogue, **options)(check)

    return add


@pytest.fixture
def passes() -> Callable[[Bench], Awaitable[None]]:
    async def check(bench: Bench) -> None:
        bench.expect(True, "truth", "truth")

    return check


@pytest.fixture
def fails() -> Callable[[Bench], Awaitable[None]]:
    async def check(bench: Bench) -> None:
        bench.fail("a call from +14255550112", "none, with sk-secretkey123")

    return check
