"""Scenarios in whole calls and sessions: what a caller hears, what an application and the journal see."""

from desk import Desk, wait_for_entry

RECEPTIONIST = {
    "scenario": {"name": "receptionist", "strict": True},
    "turn": [
        {"when": {"start": True}, "say": "Thank you for calling, how can I help you?"},
        {
            "when": {"heard": "/human|agent/i"},
            "call": {"name": "transfer", "arguments": {"target": "tel:+14155550123"}},
        },
        {"when": {"dtmf": "0#"}, "say": {"text": "One moment.", "after_ms": 300}},
    ],
}


async def test_caller_is_served_by_a_scenario(desk: Desk) -> None:
    emulator = desk.emulator
    emulator.scenarios.choose(emulator.project.id, RECEPTIONIST)
    call, call_id = await desk.connect()
    async with await desk.attach(call_id) as sideband:
        await sideband.send({"type": "response.create"})
        await call.wait_for_heard("Thank you for calling, how can I help you?")
        await call.say("I want to talk to a human")
        await sideband.wait_for("response.function_call_arguments.done")
        await call.press("0#")
        await call.wait_for_heard("One moment.")
    await call.hang_up()
    steps = [entry.data["step"] for entry in emulator.journal.entries(kind="scenario.step")]
    assert steps == [1, 2, 3]
    assert emulator.scenarios.unread(emulator.project.id) == []
    await wait_for_entry(emulator, "call.ended")
