"""The live dialogs of an endpoint, and which connection each is reached by."""

from .arrival import Arrival
from .dialog import Dialog, DialogState
from .events import Address, DialogId, Flow
from .wire import Wire

SUBSCRIPTION_LIMIT = 1000


class Dialogs:
    """Every dialog from its INVITE to its end. `limit` bounds them.

    RFC 5057 4.2: a BYE ends the call, not the subscription that a REFER made in its dialog. Those are kept until they
    are terminated; of the ones that never are, the latest thousand.
    """

    def __init__(self, *, wire: Wire, limit: int) -> None:
        self._wire = wire
        self._limit = limit
        self._dialogs: dict[DialogId, Dialog] = {}
        self._subscriptions: dict[DialogId, Dialog] = {}

    def add(self, dialog: Dialog) -> None:
        self._dialogs[dialog.id] = dialog
        stream = self._wire.stream(dialog.flow)
        if stream is not None:
            stream.dialogs.add(dialog.id)

    def drop(self, dialog: Dialog) -> None:
        """The dialog is over: its 2xx are no longer repeated, its transfers are still told of."""
        if dialog.state is not DialogState.TERMINATED:
            raise AssertionError(f"dialog {dialog.id} dropped in state {dialog.state.value}")
        for acceptance in dialog.acceptances.values():
            acceptance.stop()
        dialog.acceptances.clear()
        if dialog.session_timer is not None:
            dialog.session_timer.stop()
        if dialog.provisional is not None:
            dialog.provisional.stop()
        del self._dialogs[dialog.id]
        if dialog.transfers:
            self._subscriptions[dialog.id] = dialog
            if len(self._subscriptions) > SUBSCRIPTION_LIMIT:
                del self._subscriptions[next(iter(self._subscriptions))]
        stream = self._wire.stream(dialog.flow)
        if stream is not None:
            stream.dialogs.discard(dialog.id)

    def move(self, dialog: Dialog, flow: Flow, destination: Address | None) -> None:
        """What we send in the dialog takes another way from now on."""
        if flow is not dialog.flow:
            left, joined = self._wire.stream(dialog.flow), self._wire.stream(flow)
            if left is not None:
                left.dialogs.discard(dialog.id)
            if joined is not None:
                joined.dialogs.add(dialog.id)
            dialog.flow = flow
        dialog.destination = destination

    def get(self, dialog: DialogId) -> Dialog | None:
        return self._dialogs.get(dialog)

    def find(self, arrival: Arrival) -> Dialog | None:
        """The dialog that a request from the peer belongs to (RFC 3261 12.2.2)."""
        tag = arrival.to_tag
        dialog = None if tag is None else self._dialogs.get(DialogId(tag))
        return dialog if dialog is not None and dialog.is_of(arrival) else None

    def find_subscription(self, arrival: Arrival) -> Dialog | None:
        """The dialog of a call that is over, in which a transfer is still reported on."""
        dialog = self._subscriptions.get(DialogId(arrival.to_tag or ""))
        return dialog if dialog is not None and dialog.is_of(arrival) else None

    def forget_subscription(self, dialog: Dialog) -> None:
        """Its last transfer was reported on to the end."""
        self._subscriptions.pop(dialog.id, None)

    @property
    def is_full(self) -> bool:
        return len(self._dialogs) >= self._limit

    def __len__(self) -> int:
        return len(self._dialogs)
