"""One WebRTC peer on aiortc's transports: ICE, DTLS-SRTP and the data channel, without its peer connection.

aiortc's `RTCPeerConnection` writes its own answers, has a thread for each call and one hop to another for each frame.
Here the answer is ours (`sdp/webrtc_answer.py`), RTP goes by the 20 ms tick as it does for SIP (`webrtc_audio.py`), and
everything that encrypts or keeps order is aiortc's.
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from aiortc import RTCDtlsTransport, RTCIceTransport, RTCSctpTransport
from aiortc.rtcdatachannel import RTCDataChannel
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcsctptransport import Chunk, DataChunk, RTCSctpCapabilities
from OpenSSL import SSL

from ..errors import RingbackError
from ..sdp.webrtc_answer import HostCandidate
from ..sdp.webrtc_offer import WebRtcOffer
from .webrtc_ice import HostConnection, HostGatherer, IceSettings

log = logging.getLogger("ringback.webrtc")

FAREWELL_TIMEOUT = 1.0
"""How long a peer may take to confirm that the data channel is closed, and with it all that was sent before."""

# What aiortc raises at a peer's SCTP that it has no rule for.
_SCTP_ERRORS = (AssertionError, ValueError, LookupError, struct.error)


class PeerUnreachable(RingbackError):
    """No connection came about; the message says at which step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerEvents:
    """Who is told of what comes. `closed`: the peer ended the connection; `lost`: it is silent for too long."""

    rtp: Callable[[bytes], None]
    rtcp: Callable[[bytes], None]
    channel: Callable[[RTCDataChannel], None]
    closed: Callable[[], None]
    lost: Callable[[], None]


class _Dtls(RTCDtlsTransport):
    """DTLS that hands decrypted packets on as they are."""

    def __init__(self, transport: RTCIceTransport, certificate: RTCCertificate, events: PeerEvents) -> None:
        super().__init__(transport, [certificate])
        self._told = events  # `_events` is the event emitter's

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._told.rtp(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._told.rtcp(data)

    def send_packet(self, data: bytes, *, is_rtcp: bool) -> None:
        """Encrypt and send one packet now: nothing here has to be awaited, and a tick can't."""
        session = self._tx_srtp
        pair = self.transport._connection._nominated.get(1)
        if session is None or pair is None:
            return
        try:
            sealed = session.protect_rtcp(data) if is_rtcp else session.protect(data)
        except pylibsrtp.Error as error:
            log.debug("= srtp: %s", error)
            return
        pair.protocol.transport.sendto(sealed, pair.remote_addr)


class _Sctp(RTCSctpTransport):
    """SCTP that survives what a peer may send: nonsense is dropped, a message without end closes the association."""

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except _SCTP_ERRORS as error:
            log.debug("= sctp dropped %d bytes: %r", len(data), error)

    async def _send_chunk(self, chunk: Chunk) -> None:
        try:
            await super()._send_chunk(chunk)
        except (
            ConnectionError,
            SSL.Error,
        ) as error:  # aiortc sends from tasks that nobody awaits; the peer said goodbye
            log.debug("= sctp sends no %s: %s", type(chunk).__name__, error)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        await super()._receive_data_chunk(chunk)
        if self._advertised_rwnd < 0:  # RFC 9260 6.2: a peer may not send more than the window that it was told
            log.debug("= sctp: the peer sends more than fits into the window")
            await self.stop()


class Peer:
    """`open()` binds the addresses, `connect()` waits for the peer, `close()` ends what is there at any time."""

    # Construction

    def __init__(
        self,
        offer: WebRtcOffer,
        *,
        identity: tuple[RTCCertificate, str],
        ice: IceSettings,
        ufrag: str,
        password: str,
        events: PeerEvents,
    ) -> None:
        certificate, self.fingerprint = identity
        self.ufrag, self.password = ufrag, password
        self._offer = offer
        self._events = events
        self._connection = HostConnection(ice, ufrag=ufrag, password=password, on_lost=self._lost)
        self._gatherer = HostGatherer(self._connection)
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = _Dtls(self._ice, certificate, events)
        self._dtls._set_role(offer.dtls_role)
        self._sctp: _Sctp | None = None
        if offer.data is not None:
            self._sctp = _Sctp(self._dtls)
            self._sctp.on("datachannel", events.channel)
        self._is_closing = False
        self._is_connected = False

    async def open(self) -> tuple[HostCandidate, ...]:
        """Bind. Raises `NoAddress`."""
        await self._gatherer.gather()
        return tuple(
            HostCandidate(
                foundation=candidate.foundation,
                priority=candidate.priority,
                address=candidate.host,
                port=candidate.port,
            )
            for candidate in self._connection.local_candidates
        )

    async def connect(self, timeout: float) -> None:
        """Wait for the peer's checks, shake hands, open the way for data channels. Raises `PeerUnreachable`."""
        step = "ICE"
        try:
            async with asyncio.timeout(timeout):
                await self._ice.start(RTCIceParameters(self._offer.ice_ufrag, self._offer.ice_password))
                if self._ice.state != "completed":
                    raise PeerUnreachable("ICE failed")
                step = "DTLS"
                await self._dtls.start(
                    RTCDtlsParameters([RTCDtlsFingerprint(*each) for each in self._offer.fingerprints])
                )
                if self._dtls.state != "connected":
                    raise PeerUnreachable("the DTLS handshake failed")
                self._dtls.on("statechange", self._dtls_changed)
                self._is_connected = True
                if self._sctp is not None and self._offer.data is not None:
                    size = self._offer.data.max_message_size
                    await self._sctp.start(RTCSctpCapabilities(size), self._offer.data.sctp_port)
        except TimeoutError:
            raise PeerUnreachable(f"{step} was not through after {timeout:g} s") from None

    async def close(self, channel: RTCDataChannel | None = None) -> None:
        """End it. With `channel`, what was sent there is read by the peer first, unless it does not answer."""
        self._is_closing = True
        if channel is not None and self._is_connected and self._dtls.state == "connected":
            await _farewell(channel)
        if self._sctp is not None:
            await self._sctp.stop()
        pump = self._dtls._task
        await self._dtls.stop()
        if pump is not None:
            await asyncio.wait([pump])
        await self._ice.stop()
        await self._connection.close()  # without a `start`, stopping ICE leaves the sockets open

    # Output

    def send_rtp(self, data: bytes) -> None:
        self._dtls.send_packet(data, is_rtcp=False)

    def send_rtcp(self, data: bytes) -> None:
        self._dtls.send_packet(data, is_rtcp=True)

    # Queries

    @property
    def remote_address(self) -> str:
        """Where the peer is, as ICE found out."""
        return self._address("remote_addr")

    @property
    def local_address(self) -> str:
        """The address of ours that it is connected to."""
        return self._address("local_addr")

    @property
    def most_to_send(self) -> int:
        """The longest message that the peer takes; 0 is any."""
        return 0 if self._offer.data is None else self._offer.data.max_message_size

    # Private

    def _address(self, end: str) -> str:
        pair = self._connection._nominated.get(1)
        if pair is None:
            return ""
        host, port = getattr(pair, end)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _dtls_changed(self) -> None:
        if self._dtls.state == "closed" and not self._is_closing:
            self._is_closing = True
            self._events.closed()

    def _lost(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._events.lost()


async def _farewell(channel: RTCDataChannel) -> None:
    closed = asyncio.Event()
    channel.on("close", closed.set)
    channel.close()
    if channel.readyState == "closed":
        return
    try:
        await asyncio.wait_for(closed.wait(), FAREWELL_TIMEOUT)
    except TimeoutError:
        log.debug("= the data channel was not closed in time")


def make_identity() -> tuple[RTCCertificate, str]:
    """A certificate for the peers of one emulator, and its fingerprint."""
    certificate: Any = RTCCertificate.generateCertificate()
    fingerprints = {each.algorithm: each.value for each in certificate.getFingerprints()}
    return certificate, fingerprints["sha-256"]
