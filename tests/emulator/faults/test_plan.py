from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from ringback.emulator.calls.call import Call
from ringback.emulator.calls.effects import Effect, SendBye, SendSip
from ringback.emulator.errors import UsageError
from ringback.emulator.faults.plan import Fault, FaultPlan, Faults, HttpExchange, Strike
from ringback.emulator.webhooks.delivery import Attempt
from ringback.emulator.webhooks.signature import sign

Plan = Callable[..., FaultPlan]
KEY = b"key"


def attempt(**changes: object) -> Attempt:
    made = Attempt(
        delivery_id=1,
        number=1,
        url="http://app/webhook",
        headers={
            "webhook-id": "wh_1",
            "webhook-timestamp": "1700000000",
            "webhook-signature": sign([KEY], webhook_id="wh_1", timestamp=1700000000, body=b"{}"),
        },
        body=b"{}",
        keys=(KEY,),
        project_id="proj_1",
        call_id="rtc_1",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def with_header(made: Attempt, **values: str) -> Attempt:
    return replace(made, headers={**made.headers, **{name.replace("_", "-"): value for name, value in values.items()}})


@pytest.fixture
def exchange() -> HttpExchange:
    return HttpExchange(
        method="POST",
        path="/v1/realtime/calls/rtc_1/accept",
        request_headers=(),
        request_body=b"{}",
        status=200,
        headers=(),
        body=b"",
    )


# What strikes, and when


def test_plan_changes_what_a_hook_changes_and_tells_it(plan: Plan, strikes: list[Strike]) -> None:
    hasty = plan(Fault(name="hasty", sip_out=lambda data: [data.replace(b"180", b"183")]))
    assert hasty.sip_out(b"180 Ringing", "abc") == [b"183 Ringing"]
    assert strikes == [Strike(name="hasty", project_id="proj_1", sip_call_id="abc")]
    assert hasty.strikes == 1


def test_plan_tells_nothing_when_a_hook_changes_nothing(plan: Plan, strikes: list[Strike]) -> None:
    hasty = plan(Fault(name="hasty", sip_out=lambda data: [data.replace(b"180", b"183")]))
    assert hasty.sip_out(b"200 OK", None) == [b"200 OK"]
    assert not strikes
    assert not hasty.strikes


def test_fault_strikes_only_at_its_nth_match(plan: Plan) -> None:
    deaf = plan(Fault(name="deaf", rtp_in=lambda data: [] if data == b"loud" else [data], nth=2))
    heard = [deaf.rtp_in(data, "rtc_1") for data in (b"loud", b"soft", b"loud", b"loud")]
    assert heard == [[b"loud"], [b"soft"], [], [b"loud"]]


def test_fault_counts_its_matches_from_one() -> None:
    with pytest.raises(UsageError, match="fault early: nth counts from 1, not from 0"):
        Fault(name="early", nth=0)


def test_faults_see_what_those_before_them_left(plan: Plan) -> None:
    both = plan(
        Fault(name="twice", rtcp_out=lambda data: [data, data]),
        Fault(name="shout", rtcp_out=lambda data: [data.upper()]),
    )
    assert both.rtcp_out(b"sr", "rtc_1") == [b"SR", b"SR"]


def test_fault_that_raises_changes_nothing_and_is_told(plan: Plan, strikes: list[Strike]) -> None:
    def divide(data: bytes) -> Sequence[bytes]:
        raise ZeroDivisionError("a bug of whoever wrote this fault")

    assert plan(Fault(name="buggy", rtp_out=divide)).rtp_out(b"rtp", "rtc_1") == [b"rtp"]
    assert [strike.name for strike in strikes] == ["buggy"]
    assert isinstance(strikes[0].error, ZeroDivisionError)


def test_fault_with_a_memory_forgets_between_projects(plan: Plan) -> None:
    def fresh() -> Fault:
        seen: list[bytes] = []

        def first_only(data: bytes) -> Sequence[bytes]:
            seen.append(data)
            return [data] if len(seen) == 1 else []

        return Fault(name="once", sip_in=first_only)

    once = Fault(name="once", fresh=fresh)
    first, second = plan(once), plan(once)
    assert [first.sip_in(b"a", None), first.sip_in(b"b", None)] == [[b"a"], []]
    assert second.sip_in(b"c", None) == [b"c"]


# The hooks


def test_plan_without_hooks_leaves_everything(plan: Plan, call: Call, exchange: HttpExchange) -> None:
    idle = plan(Fault(name="idle"))
    effects: tuple[Effect, ...] = (SendSip(status=180), SendBye())
    assert idle.effects(call, effects) == effects
    assert idle.event({"type": "error"}, None) == [{"type": "error"}]
    assert idle.channel_event(1, {"type": "error"}, None) == [{"type": "error"}]
    assert idle.client_event("{}", None) == ["{}"]
    assert idle.webhook_event({"id": "evt_1"}, None) == [{"id": "evt_1"}]
    assert idle.webhook(attempt()) == attempt()
    assert idle.webhook_outcome(200, None) == 200
    assert idle.http(exchange, None) is exchange
    assert not any((idle.touches_sip, idle.touches_http, idle.touches_channels))


def test_plan_rewrites_effects_before_their_order(plan: Plan, call: Call) -> None:
    def no_ringing(call: Call, effect: Effect) -> Sequence[Effect]:
        return [] if effect == SendSip(status=180) else [effect]

    backwards = plan(
        Fault(name="silent", effect=no_ringing),
        Fault(name="backwards", batch=lambda call, effects: effects[::-1]),
    )
    assert backwards.effects(call, (SendSip(status=180), SendSip(status=486), SendBye())) == (
        SendBye(),
        SendSip(status=486),
    )


def test_plan_tells_the_call_of_an_effect(plan: Plan, call: Call, strikes: list[Strike]) -> None:
    plan(Fault(name="lost", effect=lambda call, effect: [])).effects(call, (SendBye(),))
    assert strikes == [Strike(name="lost", project_id="proj_1", call_id="rtc_1")]


def test_plan_changes_events_for_everybody_and_for_one(plan: Plan) -> None:
    deaf = plan(
        Fault(name="renamed", event=lambda event: [{**event, "type": "x"}]),
        Fault(name="second", channel_event=lambda number, event: [event] if number == 1 else []),
    )
    assert deaf.touches_channels
    assert deaf.event({"type": "error"}, "rtc_1") == [{"type": "x"}]
    assert deaf.channel_event(1, {"type": "x"}, "rtc_1") == [{"type": "x"}]
    assert deaf.channel_event(2, {"type": "x"}, "rtc_1") == []


def test_plan_changes_client_events_and_webhook_events(plan: Plan) -> None:
    plan_ = plan(
        Fault(name="deaf", client_event=lambda data: []),
        Fault(name="twice", webhook_event=lambda event: [event, event]),
    )
    assert plan_.client_event("{}", None) == []
    assert plan_.webhook_event({"id": "evt_1"}, None) == [{"id": "evt_1"}, {"id": "evt_1"}]


def test_plan_changes_an_answer(plan: Plan, exchange: HttpExchange) -> None:
    slow = plan(Fault(name="teapot", http=lambda exchange: replace(exchange, status=418)))
    assert slow.touches_http
    assert slow.http(exchange, None).status == 418


def test_plan_believes_another_outcome(plan: Plan) -> None:
    assert plan(Fault(name="gullible", webhook_outcome=lambda outcome: 200)).webhook_outcome(500, "rtc_1") == 200


def test_plan_drops_an_attempt(plan: Plan) -> None:
    assert plan(Fault(name="lost", webhook=lambda made: None)).webhook(attempt()) is None


# Signatures of changed webhooks


def test_plan_signs_a_changed_body_anew(plan: Plan) -> None:
    made = plan(Fault(name="changed", webhook=lambda made: replace(made, body=b"[]"))).webhook(attempt())
    assert made is not None
    assert made.headers["webhook-signature"] == sign([KEY], webhook_id="wh_1", timestamp=1700000000, body=b"[]")


def test_plan_keeps_a_signature_that_the_fault_made(plan: Plan) -> None:
    forged = plan(Fault(name="forged", webhook=lambda made: with_header(made, webhook_signature="v1,AAAA")))
    made = forged.webhook(attempt())
    assert made is not None
    assert made.headers["webhook-signature"] == "v1,AAAA"


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_plan_signs_nothing_that_can_not_be_signed(plan: Plan, missing: str) -> None:
    def without(made: Attempt) -> Attempt:
        return replace(made, headers={name: value for name, value in made.headers.items() if name != missing})

    made = plan(Fault(name="bare", webhook=without)).webhook(attempt())
    assert made is not None
    assert made == without(attempt())


# Who has faults


def test_project_has_its_own_faults(faults: Faults) -> None:
    assert not faults
    plan = faults.put("proj_1", [Fault(name="idle")])
    assert faults
    assert "proj_1" in faults
    assert faults.of("proj_1") is plan
    assert faults.of("proj_2") is None
    assert list(faults) == [plan]


def test_project_without_faults_has_those_of_everybody(faults: Faults) -> None:
    everybody, own = faults.put(None, [Fault(name="idle")]), faults.put("proj_1", [])
    assert faults.of("proj_1") is own
    assert faults.of("proj_2") is everybody
    assert faults.of(None) is everybody


def test_project_that_is_gone_has_no_faults(faults: Faults) -> None:
    faults.put("proj_1", [Fault(name="lossy", sip_in=lambda data: [])])
    assert faults.touches_sip
    faults.forget("proj_1")
    faults.forget("proj_1")
    assert not faults
    assert not faults.touches_sip


def test_faults_know_whether_any_of_them_touches_http(faults: Faults) -> None:
    faults.put("proj_1", [Fault(name="idle")])
    assert not faults.touches_http
    faults.put("proj_2", [Fault(name="teapot", http=lambda exchange: replace(exchange, status=418))])
    assert faults.touches_http
