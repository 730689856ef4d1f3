"""Ways back to callers whose connection was closed: opened when a request of ours has to leave, given back at the end
of the call (RFC 3261 18: the Contact or the first route says where somebody listens)."""

from ..errors import SipError
from ..sip.endpoint import SipEndpoint
from ..sip.events import Flow
from .call_run import CallRun
from .sip_calls import Record, sip_leg
from .sip_net import SipNet


class SipWays:
    """What the performer asks before a request of ours leaves."""

    def __init__(
        self,
        *,
        endpoint: SipEndpoint,
        net: SipNet,
        record: Record,
    ) -> None:
        self._endpoint = endpoint
        self._net = net
        self._record = record

    def is_lost(self, run: CallRun) -> bool:
        """Whether the call lives and its connection does not."""
        dialog = sip_leg(run.call).dialog
        return self._endpoint.has_dialog(dialog) and not self._endpoint.can_reach(dialog)

    async def open(self, run: CallRun) -> None:
        """Have a way to the caller. Raises `SipError` (`FlowGone`) when there is none."""
        dialog = sip_leg(run.call).dialog
        next_hop = self._endpoint.next_hop(dialog)
        try:
            way = self._endpoint.way_to(dialog)
            flow = await self._net.connect_to(way)
        except SipError as error:
            self._record(run, "sip.way", to=next_hop, error=str(error))
            raise
        if self.is_lost(run):
            self._endpoint.move_dialog(dialog, flow)
            run.way = flow
            self._record(run, "sip.way", to=str(way), error=None)
        else:  # the call has ended, or the caller has come back, while this was opened
            self._leave(flow)

    def leave(self, run: CallRun) -> None:
        """The call is over."""
        if run.way is not None:
            self._leave(run.way)

    def _leave(self, flow: Flow) -> None:
        if not self._endpoint.has_dialogs(flow):
            self._net.hang_up(flow)
