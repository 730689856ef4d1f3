"""The media of SIP calls: what our descriptions say, where RTP comes and goes, and with which keys."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..calls.call import Call
from ..calls.effects import RefreshSession, RenewMedia
from ..calls.inputs import Input, MediaFailed, MediaReady
from ..calls.leg import SipLeg
from ..config import Settings
from ..errors import EmulatorBug, SdpError, SipError, UsageError
from ..faults.plan import Faults
from ..ids import Ids
from ..sdp.local_description import LocalDescription
from ..sdp.offer_answer import NegotiatedAudio
from ..sip.endpoint import SipEndpoint
from .call_run import CallRun
from .deadlines import Clock
from .memory_line import MemoryLine, MemoryMedia
from .rtp_net import MediaLeg, MediaPorts, NoMediaPort, Ticker

if TYPE_CHECKING:
    from ..rtp.srtp import MediaKeys

log = logging.getLogger("ringback.calls")


class Record(Protocol):
    """Journals something about a call."""

    def __call__(self, run: CallRun, kind: str, **data: Any) -> None: ...


class SipCalls:
    """What the performer does for the media of a call by SIP; nothing here waits."""

    def __init__(
        self,
        *,
        settings: Settings,
        endpoint: SipEndpoint,
        ids: Ids,
        clock: Clock,
        record: Record,
        media_ports: MediaPorts,
        ticker: Ticker,
        line_of: Callable[[int], MemoryLine | None],
        faults: Faults,
    ) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._ids = ids
        self._clock = clock
        self._record = record
        self._media_ports = media_ports
        self._ticker = ticker
        self._find_line = line_of
        self._faults = faults

    def open(self, run: CallRun, on_bug: Callable[[BaseException], None], on_silence: Callable[[], None]) -> Input:
        """Bind a port, and what the call is to know of it."""
        call = run.call
        if (line := self._line_of(call)) is not None:
            run.media = MemoryMedia(line, self._ticker, self._clock.now, on_bug)
            return MediaReady(port=run.media.port)
        try:
            sockets = self._media_ports.open()
        except NoMediaPort as error:
            return MediaFailed(reason=str(error))
        run.media = MediaLeg(
            sockets=sockets,
            loop=asyncio.get_running_loop(),
            now=self._clock.now,
            ticker=self._ticker,
            on_bug=on_bug,
            faults=self._faults,
            project_id=call.project_id,
            call_id=call.call_id,
            patience=self._settings.rtp_timeout,
            on_silence=on_silence,
        )
        return MediaReady(port=sockets.port)

    def answer(self, run: CallRun, asked: SipLeg | RenewMedia, port: int) -> None:
        """200 with our answer, or with our offer where the INVITE had none."""
        address = sip_leg(run.call).local_address
        local = run.local = run.local or LocalDescription(self._ids)
        if asked.offer is None or asked.negotiated is None:
            settings = self._settings
            text = local.offer(
                address=address, port=port, is_secure=settings.srtp == "required", codecs=settings.codecs
            )
        else:
            text = local.answer(asked.offer, asked.negotiated, address=address, port=port)
        self._endpoint.respond(
            asked.invite, 200, body=text.encode(), content_type="application/sdp", now=self._clock.now()
        )

    def start(self, run: CallRun) -> MediaFailed | None:
        """RTP begins; or why it can't."""
        leg = sip_leg(run.call)
        if run.media is None or run.host is None or leg.negotiated is None:
            raise EmulatorBug(f"media of call {run.call.call_id} starts before it was opened")
        try:
            keys = _keys(run, leg.negotiated)
        except SdpError as error:
            return MediaFailed(reason=str(error))
        from ..rtp.stream import RtpStream  # with it comes all that sound needs, see `preload`

        stream = RtpStream(leg.negotiated, ids=self._ids, now=self._clock.now(), keys=keys)
        run.media.start(stream, run.host, lambda digit: self._record(run, "media.dtmf", digit=digit))
        self._record(
            run,
            "media.opened",
            codec=leg.negotiated.codec,
            security=leg.negotiated.security,
            local=f"{leg.local_address}:{run.media.port}",
            remote=f"{leg.negotiated.remote_address}:{leg.negotiated.remote_port}",
        )
        return None

    def renew(self, run: CallRun, renewal: RenewMedia) -> None:
        """Answer a re-INVITE or UPDATE, and do as it says."""
        try:
            if run.media is None:
                self._endpoint.respond(renewal.invite, 481, now=self._clock.now())  # the call is over
                return
            self.answer(run, renewal, run.media.port)
        except (SipError, UsageError) as error:  # it was cancelled, or the call was hung up, while this waited
            log.debug("= re-INVITE %s is over before its answer: %s", renewal.invite, error)
            return
        if renewal.negotiated is not None:
            self.change(run, renewal.negotiated)

    def refresh(self, run: CallRun, effect: RefreshSession) -> None:
        """Keep the session alive. Where that fails it will expire (RFC 4028 10)."""
        leg, local = sip_leg(run.call), run.local
        if run.media is None or local is None:
            return  # the call is over
        offer = ""
        if effect.needs_offer:
            # RFC 4028 7.4: the session as it is, so what is spoken comes first
            spoken = None if run.media.stream is None else run.media.stream.codec
            offer = local.offer(
                address=leg.local_address,
                port=run.media.port,
                is_secure=self._settings.srtp == "required",
                codecs=sorted(self._settings.codecs, key=lambda codec: codec != spoken),
            )
        try:
            self._endpoint.refresh(leg.dialog, offer.encode(), self._clock.now())
        except (SipError, UsageError) as error:
            log.debug("= dialog %s is not refreshed: %s", leg.dialog, error)

    def change(self, run: CallRun, negotiated: NegotiatedAudio) -> None:
        """Another offer/answer is done."""
        if run.media is None or run.media.stream is None:
            return  # the call is over
        try:
            keys = _keys(run, negotiated)
        except SdpError as error:  # RFC 3264 8: an unusable answer leaves the media as it was
            self._record(run, "media.unchanged", reason=str(error))
            return
        run.media.stream.renegotiate(negotiated, self._clock.now(), keys)
        self._record(
            run,
            "media.changed",
            codec=negotiated.codec,
            direction=negotiated.direction,
            security=negotiated.security,
            remote=f"{negotiated.remote_address}:{negotiated.remote_port}",
        )

    def close(self, run: CallRun) -> None:
        """No RTP any more; the port is given back."""
        if run.media is not None:
            run.statistics = run.media.close()
            run.media = None
            self._record(run, "media.closed", statistics=run.statistics)

    def _line_of(self, call: Call) -> MemoryLine | None:
        """Of a caller in this process."""
        leg = call.leg
        return self._find_line(leg.line) if isinstance(leg, SipLeg) and leg.line is not None else None


def sip_leg(call: Call) -> SipLeg:
    """The leg of a call that has one by SIP."""
    if not isinstance(call.leg, SipLeg):
        raise EmulatorBug(f"call {call.call_id} has no SIP leg")
    return call.leg


def _keys(run: CallRun, negotiated: NegotiatedAudio) -> "MediaKeys | None":
    """Of what was agreed on; None for plain RTP. Raises `SdpError`."""
    if run.local is None:
        raise EmulatorBug(f"media of call {run.call.call_id} starts before it was described")
    ours = run.local.key_for(negotiated)
    if ours is None or negotiated.crypto is None:
        return None
    from ..rtp.srtp import MediaKeys

    return MediaKeys(suite=negotiated.crypto.suite, ours=ours, theirs=negotiated.crypto.key)
