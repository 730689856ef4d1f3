"""Callers and an application that do anything at any time: what is planted in a sample is found, and the emulator does
what a naive model says."""

import json
from collections.abc import Mapping
from typing import Any

import openai
import pytest
from applications import SESSION, Asgi
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from openai import AsyncOpenAI
from ringback.conformance.testing import Caller, Ringback
from ringback.conformance.testing.emulator_thread import EmulatorThread

SETTINGS = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TARGET = "tel:+14155550123"
ANSWERS: Mapping[tuple[str, str], int] = {
    ("undecided", "accept"): 200,
    ("undecided", "reject"): 200,
    ("undecided", "refer"): 404,
    ("undecided", "hangup"): 404,
    ("accepted", "accept"): 409,
    ("accepted", "reject"): 409,
    ("accepted", "refer"): 200,
    ("accepted", "hangup"): 200,
    ("over", "accept"): 404,
    ("over", "reject"): 404,
    ("over", "refer"): 404,
    ("over", "hangup"): 404,
}
"""What each verb gets in each state (docs/verbs.md)."""


class Desk:
    """A sample application: it is told of calls, and decides on them later. Callers may be gone by then."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self.client = client
        self.told: list[str] = []

    async def hear_of(self, _: AsyncOpenAI, call_id: str) -> None:
        self.told.append(call_id)

    async def do(self, verb: str, call_id: str) -> int:
        """The status that it got."""
        calls = self.client.realtime.calls
        try:
            match verb:
                case "accept":
                    await calls.accept(call_id, **SESSION)
                case "reject":
                    await calls.reject(call_id)
                case "refer":
                    await calls.refer(call_id, target_uri=TARGET)
                case "hangup":
                    await calls.hangup(call_id)
        except openai.APIStatusError as error:
            return error.status_code
        return 200


class HastyDesk(Desk):
    """It takes for granted that whoever called is still there when it accepts."""

    async def do(self, verb: str, call_id: str) -> int:
        if verb == "accept":
            await self.client.realtime.calls.accept(call_id, **SESSION)
            return 200
        return await super().do(verb, call_id)


class OneTrackDesk(Desk):
    """It accepts whoever called last, whomever it was to accept: right as long as nobody else calls meanwhile."""

    async def do(self, verb: str, call_id: str) -> int:
        return await super().do(verb, self.told[-1] if verb == "accept" else call_id)


class Traffic(RuleBasedStateMachine):
    """Each rule is one thing that a caller or the application does; then everybody gets the time that it needs."""

    emulator: EmulatorThread
    desk_type: type[Desk] = Desk
    calls: Bundle[Caller] = Bundle("calls")

    @initialize()
    def open_the_desk(self) -> None:
        self.project = self.emulator.open_project()
        self.ringback = Ringback(self.emulator, self.project)
        options = {"api_key": self.ringback.api_key, "base_url": self.ringback.base_url, "max_retries": 0}
        self.desk = self.desk_type(AsyncOpenAI(**options))
        self.ringback.webhook(Asgi(self.desk.hear_of, secret=self.ringback.webhook_secret))
        self.states: dict[str, str] = {}

    @rule(target=calls)
    def caller_dials(self) -> Caller:
        call = self.ringback.dial(via="memory")
        self.ringback.clock.run_until_idle()
        assert call.id is not None
        self.states[call.id] = "undecided"
        assert call.id in self.desk.told
        return call

    @rule(call=calls)
    def caller_speaks(self, call: Caller) -> None:
        if self._state(call) == "accepted":
            call.say("is anybody there")
            assert call.hears() == "is anybody there"

    @rule(call=calls, digits=st.text("0123456789*#", min_size=1, max_size=3))
    def caller_presses(self, call: Caller, digits: str) -> None:
        if self._state(call) == "accepted":
            before = self._digits(call)
            call.press(digits)
            self.ringback.clock.run_until_idle()
            assert self._digits(call) == before + digits

    @rule(call=consumes(calls))
    def caller_leaves(self, call: Caller) -> None:
        if self._state(call) == "undecided":
            call.cancel()
        elif self._state(call) == "accepted":
            call.hang_up()
        self._is_over(call)

    @rule(call=calls, verb=st.sampled_from(["accept", "reject", "refer", "hangup"]))
    def application_decides(self, call: Caller, verb: str) -> None:
        self._decide(call, verb)

    @rule(call=calls)
    def caller_gives_up_before_the_application_accepts(self, call: Caller) -> None:
        if self._state(call) == "undecided":
            call.cancel()
            self._is_over(call)
        self._decide(call, "accept")

    @invariant()
    def journal_knows_of_no_bug(self) -> None:
        if hasattr(self, "ringback"):
            assert not self.ringback.journal.records("emulator.bug")

    @invariant()
    def calls_are_open_that_should_be(self) -> None:
        if hasattr(self, "ringback"):
            assert set(self.project.project.open_calls) == {
                each for each, state in self.states.items() if state != "over"
            }

    def teardown(self) -> None:
        if hasattr(self, "ringback"):
            thread = self.emulator.thread
            thread.run(self.project.close())
            thread.run(self.desk.client.close())

    # Private

    def _decide(self, call: Caller, verb: str) -> None:
        assert call.id is not None
        state = self._state(call)
        status = self.emulator.thread.run(self.desk.do(verb, call.id))
        assert status == ANSWERS[state, verb], f"{verb} of a call that is {state}: {json.dumps(status)}"
        if status == 200 and verb == "accept":
            call.answered()
            self.states[call.id] = "accepted"
        elif status == 200:
            self._is_over(call)

    def _is_over(self, call: Caller) -> None:
        call.ended()
        self.ringback.clock.run_until_idle()
        assert call.id is not None
        self.states[call.id] = "over"

    def _state(self, call: Caller) -> str:
        assert call.id is not None
        return self.states[call.id]

    def _digits(self, call: Caller) -> str:
        records = self.ringback.journal.records("media.dtmf")
        return "".join(record.data["digit"] for record in records if record.call_id == call.id)


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`traffic(desk)` runs the machine against that sample."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    emulator = EmulatorThread(virtual=True)

    def run(desk: type[Desk]) -> None:
        machine = type("Machine", (Traffic,), {"emulator": emulator, "desk_type": desk})
        phases = [Phase.generate] if desk is not Desk else list(Phase)  # what was planted needs no smallest example
        run_state_machine_as_test(machine, settings=settings(SETTINGS, phases=phases))

    yield run
    emulator.close()


@pytest.mark.timeout(180)
def test_callers_and_application_meet_no_race_of_the_emulator(traffic: Any) -> None:
    traffic(Desk)


@pytest.mark.timeout(180)
def test_machine_finds_the_caller_who_is_gone_before_it_is_accepted(traffic: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="No session found"):
        traffic(HastyDesk)


@pytest.mark.timeout(180)
def test_machine_finds_the_callers_who_are_mixed_up(traffic: Any) -> None:
    with pytest.raises(AssertionError, match=r"the call to be answered|accept of a call"):
        traffic(OneTrackDesk)
