"""The calls that exist, by their id and by their dialog. In memory; a shared store would have the same face."""

from collections.abc import Iterator

from ..errors import CallNotFound
from ..ids import CallId
from ..sip.events import DialogId, InviteId
from .call import Call
from .leg import SipLeg


class CallRegistry:
    """Calls from their INVITE until everything that they opened was given back."""

    def __init__(self) -> None:
        self._calls: dict[CallId, Call] = {}
        self._by_dialog: dict[DialogId, Call] = {}
        self._by_invite: dict[InviteId, Call] = {}

    def add(self, call: Call) -> None:
        self._calls[call.call_id] = call
        if isinstance(call.leg, SipLeg):
            self._by_dialog[call.leg.dialog] = call
            self._by_invite[call.leg.invite] = call

    def remove(self, call: Call) -> None:
        del self._calls[call.call_id]
        if isinstance(call.leg, SipLeg):
            del self._by_dialog[call.leg.dialog]
            del self._by_invite[call.leg.invite]

    def of_project(self, call_id: str, project_id: str) -> Call:
        """The call that a request names. Another project's calls are as unknown as those that never were."""
        call = self._calls.get(CallId(call_id))
        if call is None or call.project_id != project_id:
            raise CallNotFound
        return call

    def get(self, call_id: CallId) -> Call | None:
        return self._calls.get(call_id)

    def by_dialog(self, dialog: DialogId) -> Call | None:
        return self._by_dialog.get(dialog)

    def by_invite(self, invite: InviteId) -> Call | None:
        return self._by_invite.get(invite)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)
