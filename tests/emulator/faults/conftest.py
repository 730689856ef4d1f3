from collections.abc import Callable

import pytest
from ringback.emulator.calls.call import Call, CloseCodes
from ringback.emulator.calls.leg import MemoryLeg
from ringback.emulator.faults.plan import Fault, FaultPlan, Faults, Strike
from ringback.emulator.ids import CallId


@pytest.fixture
def call() -> Call:
    return Call(call_id=CallId("rtc_1"), project_id="proj_1", leg=MemoryLeg(), close_codes=CloseCodes())


@pytest.fixture
def strikes() -> list[Strike]:
    """What the plans told."""
    return []


@pytest.fixture
def faults(strikes: list[Strike]) -> Faults:
    return Faults(strikes.append)


@pytest.fixture
def plan(strikes: list[Strike]) -> Callable[..., FaultPlan]:
    """The plan of one project with these faults."""
    return lambda *faults: FaultPlan(list[Fault](faults), project_id="proj_1", tell=strikes.append)
