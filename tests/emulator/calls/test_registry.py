import pytest
from ringback.emulator.calls.call import Call, CloseCodes
from ringback.emulator.calls.leg import MemoryLeg, SipLeg
from ringback.emulator.calls.registry import CallRegistry
from ringback.emulator.errors import CallNotFound
from ringback.emulator.ids import CallId
from ringback.emulator.sip.events import DialogId, InviteId

LEG = SipLeg(invite=InviteId(7), dialog=DialogId("tag"), local_address="127.0.0.1", offer=None, negotiated=None)


def call_with(leg: SipLeg | MemoryLeg) -> Call:
    return Call(call_id=CallId("rtc_1"), project_id="proj_1", leg=leg, close_codes=CloseCodes())


def test_registry_finds_a_call_by_each_of_its_names() -> None:
    registry, call = CallRegistry(), call_with(LEG)
    registry.add(call)
    assert registry.get(CallId("rtc_1")) is call
    assert registry.by_dialog(DialogId("tag")) is call
    assert registry.by_invite(InviteId(7)) is call
    assert registry.of_project("rtc_1", "proj_1") is call
    assert list(registry) == [call]
    registry.remove(call)
    assert len(registry) == 0
    assert registry.by_dialog(DialogId("tag")) is None


def test_call_without_a_dialog_is_found_by_its_id() -> None:
    registry, call = CallRegistry(), call_with(MemoryLeg())
    registry.add(call)
    assert registry.get(CallId("rtc_1")) is call
    registry.remove(call)
    assert registry.get(CallId("rtc_1")) is None


@pytest.mark.parametrize(("call_id", "project_id"), [("rtc_2", "proj_1"), ("rtc_1", "proj_2"), ("nonsense", "proj_1")])
def test_project_does_not_find_what_is_not_its_own(call_id: str, project_id: str) -> None:
    registry = CallRegistry()
    registry.add(call_with(LEG))
    with pytest.raises(CallNotFound):
        registry.of_project(call_id, project_id)
