"""What an offer and its answer agreed on, for streams that no SDP has made."""

from dataclasses import dataclass

PEER = ("192.0.2.1", 4000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """`AudioParameters` of `rtp.stream`."""

    codec: str = "PCMU"
    payload_type: int = 0
    dtmf_payload_type: int | None = 101
    ptime_ms: int = 20
    remote_address: str = PEER[0]
    remote_port: int = PEER[1]
    rtcp_port: int = PEER[1] + 1
    own_payload_types: None = None
    sends: bool = True
    receives: bool = True
