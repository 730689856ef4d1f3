from collections.abc import Callable
from dataclasses import replace

import pytest
from ringback.emulator.calls.call import Call
from ringback.emulator.calls.effects import CloseMedia, ReplyHttp, SendBye, SendSip
from ringback.emulator.calls.inputs import ReplyToken
from ringback.emulator.errors import UsageError
from ringback.emulator.faults.effects import change, drop, early, repeat
from ringback.emulator.faults.plan import FaultPlan, Pause

Plan = Callable[..., FaultPlan]
RINGING, BUSY, BYE = SendSip(status=180), SendSip(status=486), SendBye()
REPLY = ReplyHttp(reply=ReplyToken(1))


def test_drop_loses_effects_of_its_kind(plan: Plan, call: Call) -> None:
    assert plan(drop("mute", SendSip)).effects(call, (RINGING, BYE)) == (BYE,)


def test_drop_loses_only_the_nth(plan: Plan, call: Call) -> None:
    assert plan(drop("mute", SendSip, nth=2)).effects(call, (RINGING, BUSY, BYE)) == (RINGING, BYE)


def test_change_rewrites_effects_of_its_kind(plan: Plan, call: Call) -> None:
    busy = plan(change("busy", SendSip, lambda effect: replace(effect, status=486)))
    assert busy.effects(call, (RINGING, BYE)) == (BUSY, BYE)


def test_repeat_doubles_effects_of_its_kind(plan: Plan, call: Call) -> None:
    assert plan(repeat("twice", SendBye)).effects(call, (RINGING, BYE)) == (RINGING, BYE, BYE)


def test_early_moves_effects_forward(plan: Plan, call: Call) -> None:
    hasty = plan(early("hasty", ReplyHttp, before=SendSip))
    assert hasty.effects(call, (BYE, RINGING, CloseMedia(), REPLY)) == (BYE, REPLY, RINGING, CloseMedia())


def test_early_waits_behind_what_it_moved(plan: Plan, call: Call) -> None:
    hasty = plan(early("hasty", ReplyHttp, before=SendSip, pause=1.5))
    assert hasty.effects(call, (RINGING, REPLY)) == (REPLY, Pause(1.5), RINGING)
    assert hasty.effects(call, (REPLY, RINGING)) == (REPLY, RINGING)


def test_early_leaves_a_batch_without_the_other_kind(plan: Plan, call: Call) -> None:
    assert plan(early("hasty", ReplyHttp, before=SendSip)).effects(call, (BYE, REPLY)) == (BYE, REPLY)


@pytest.mark.parametrize("make", [drop, repeat])
def test_reply_must_stay_one(make: Callable[..., object]) -> None:
    with pytest.raises(UsageError):
        make("silent", ReplyHttp)
