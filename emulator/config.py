"""Every setting of the emulator, with its default and its reason. `docs/settings.md` is generated from this page.

A setting tagged CHOICE stands where the real service's behaviour is not known: the default is our guess.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from .errors import UsageError

Codec = Literal["PCMU", "PCMA", "G722", "opus"]
SrtpUse = Literal["required", "preferred", "refused"]


def setting(
    default: Any, text: str, *, tag: str | None = None, secret: bool = False, choices: tuple[str, ...] = ()
) -> Any:
    """A field of `Settings`: its default, one sentence for people, and the evidence tag where it is a behaviour. With
    `choices`, nothing else is taken."""
    return field(default=default, metadata={"text": text, "tag": tag, "secret": secret, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRange:
    """UDP ports that media may use, both ends included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high <= 65535:
            raise UsageError(f"RTP port range {self.low}-{self.high}: give LO-HI with 1 ≤ LO ≤ HI ≤ 65535")

    @classmethod
    def parse(cls, text: str) -> "PortRange":
        """`"10000-10100"` → a range."""
        low, dash, high = text.partition("-")
        if not (dash and low.strip().isdecimal() and high.strip().isdecimal()):
            raise UsageError(f"RTP ports {text!r}: give LO-HI, for example 10000-10100")
        return cls(low=int(low), high=int(high))

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one emulator is told at its start. Times are seconds, sizes bytes. A port of 0 means any free one."""

    # Addresses
    host: str = setting("127.0.0.1", "Address that every listener binds; `::1` and `::` are possible.")
    http_port: int = setting(8080, "Port of the REST and WebSocket API over HTTP.")
    https_port: int = setting(0, "Port of the same API over TLS.")
    sip_tls_port: int = setting(5061, "SIP over TLS, the only transport that the real service documents.")
    sip_tcp_port: int = setting(5060, "SIP over TCP.")
    sip_udp_port: int = setting(5060, "SIP over UDP.")
    rtp_ports: PortRange | None = setting(None, "UDP ports for media; without it the system chooses.")
    advertise_ip: str | None = setting(None, "Address that Contact and SDP name instead of the bound one (containers).")

    phone_anywhere: bool = setting(
        False, "Let the phone page call from other machines too: for containers; whoever reaches the port can."
    )
    control_anywhere: bool = setting(
        False,
        "Let other machines use all of `/_ringback/` (keys, journal, calls): for containers; whoever reaches it can.",
    )

    # The project
    project: str = setting("proj_ringback", "Project id: the user part of the SIP URI that callers dial.")
    api_key: str | None = setting(None, "API key of the project; without it one is made.", secret=True)
    any_key: bool = setting(False, "Accept every API key as the project's own.")
    webhook_secret: str | None = setting(
        None, "Signing secret (`whsec_…`) of the endpoints given by URL; without it one is made.", secret=True
    )
    webhook_urls: tuple[str, ...] = setting((), "Where `realtime.call.incoming` is posted; several are possible.")
    auto_accept: bool = setting(False, "Play the application too: accept each call and ask for a greeting.")
    model_pace: float = setting(
        0.005, "How long the built-in model takes for each word; 0 leaves no time to cancel it.", tag="CHOICE"
    )

    voice: str = setting(
        "tonecode",
        "What the model's words sound like: `tonecode`, which programs understand, or `espeak`, for people.",
        choices=("tonecode", "espeak"),
    )
    voice_language: str = setting("en-us", "Language of `espeak`: a voice that `espeak-ng --voices` lists.")
    scenario: str | None = setting(
        None, "Scenario of the project: the name of a shipped one, or a TOML or Python file."
    )
    disconnect_close: int = setting(
        1011, "Close code of the channels where a scenario disconnects and gives none.", tag="CHOICE"
    )

    legacy_events: bool = setting(
        False, "Send `conversation.created` and `conversation.item.created` too, as only the beta did.", tag="OBS"
    )

    # TLS
    tls_cert: str | None = setting(
        None, "Certificate file (PEM, its chain behind it) for SIP and HTTPS; without it a local CA makes one."
    )
    tls_key: str | None = setting(None, "Its key file (PEM).")
    sip_peer_verify: bool = setting(
        False,
        "Whether a phone or trunk that the emulator connects to over TLS must show a valid certificate.",
        tag="CHOICE",
    )
    sip_peer_ca: str | None = setting(
        None, "Certificate authorities (PEM) for `sip_peer_verify`; without the file the system's."
    )
    tls_keylog: str | None = setting(None, "File to which TLS secrets are written, so that tshark can read the calls.")

    # Calls
    decision_timeout: float = setting(30.0, "How long an INVITE waits for accept or reject.", tag="CHOICE")
    no_decision_status: int = setting(480, "What the caller gets when that time is over.", tag="CHOICE")
    unknown_project_status: int = setting(404, "What an INVITE to an unknown project gets.", tag="CHOICE")
    session_limit: float = setting(3600.0, "The longest a session may last.", tag="OBS")
    register_status: int = setting(200, "What REGISTER gets: many softphones insist on 200.", tag="CHOICE")
    caller_bye_close: int = setting(
        1006, "Close code of the sidebands when the caller hangs up; 1006 cuts the connection.", tag="OBS"
    )
    hangup_close: int = setting(1000, "Close code of the sidebands after a hang-up by the API.", tag="CHOICE")
    session_expires: int = setting(
        0, "Session interval (RFC 4028) that we ask for where the caller names none; 0: none.", tag="CHOICE"
    )
    session_min_se: int = setting(90, "Shortest session interval; a shorter one gets 422.", tag="RFC")
    session_refresher: str = setting(
        "uac",
        "Who refreshes the session where the caller leaves it open: `uac` (it) or `uas` (we).",
        tag="CHOICE",
        choices=("uac", "uas"),
    )
    info_dtmf: str = setting(
        "fallback",
        "Whether keys by INFO count: `always`, `never`, or as `fallback` where the SDP has no telephone-event.",
        tag="CHOICE",
        choices=("always", "never", "fallback"),
    )
    reliable_ringing: bool = setting(
        False, "Ring reliably (100rel) also for callers that support it and do not insist on it.", tag="CHOICE"
    )
    refer_bye_timeout: float = setting(
        32.0,
        "How long after a final NOTIFY the carrier has for its BYE before we send ours; 0: none.",
        tag="CHOICE",
    )

    refer_report_timeout: float = setting(
        32.0,
        "How long a trunk that took a REFER may send no NOTIFY at all: timer N of RFC 6665; 0: for ever.",
        tag="RFC",
    )
    refer_unreported: str = setting(
        "connected",
        "What becomes of a call then: `connected` (it goes on) or `bye` (we hang up).",
        tag="CHOICE",
        choices=("connected", "bye"),
    )

    # Media of SIP calls
    codecs: tuple[Codec, ...] = setting(
        ("PCMU", "PCMA", "opus"),
        "Codecs of SIP calls: PCMU, PCMA, opus, G722. The caller's order decides; this one is that of our own offers.",
        tag="CHOICE",
    )
    rtp_timeout: float = setting(
        0.0, "How long a SIP caller may send no RTP before the call is hung up; 0 is for ever.", tag="CHOICE"
    )
    srtp: SrtpUse = setting(
        "preferred",
        "SRTP with keys in the SDP (RFC 4568): `preferred` speaks what the offer says, and SRTP where it says both; "
        "`required` and `refused` answer the other kind with 488.",
        tag="CHOICE",
        choices=get_args(SrtpUse),
    )

    # WebRTC
    webrtc_addresses: tuple[str, ...] = setting(
        (), "Addresses that browsers send media to; without any it is the host's, or every one of a wildcard."
    )
    answer_content_type: str = setting(
        "text/plain; charset=utf-8",
        "Content type of the SDP answer, as it was recorded; `application/sdp` is what is specified.",
        tag="OBS",
    )
    offer_needs_final_newline: bool = setting(
        True, "Refuse an SDP offer that lacks the line end behind its last line.", tag="CHOICE"
    )
    offer_limit: int = setting(64 * 1024, "Largest SDP offer; above it 413.", tag="CHOICE")
    webrtc_connect_timeout: float = setting(
        15.0, "How long a WebRTC peer may take to be connected after its answer.", tag="CHOICE"
    )
    webrtc_consent_timeout: float = setting(
        30.0, "How long a WebRTC peer may be silent on the network before it is gone.", tag="RFC"
    )
    webrtc_tail: float = setting(
        0.5, "How long silence is sent to a WebRTC peer after the last sound; then nothing is.", tag="CHOICE"
    )
    data_channel_limit: int = setting(
        256 * 1024, "Largest client event on a data channel; above it an `error` event.", tag="CHOICE"
    )
    peer_closed_close: int = setting(
        1000, "Close code of the sidebands when a WebRTC peer closes its connection.", tag="OBS"
    )

    # Webhooks
    webhook_timeout: float = setting(10.0, "How long one delivery attempt may take.", tag="CHOICE")
    webhook_first_retry: float = setting(1.0, "Pause before the second attempt; it doubles each time.", tag="CHOICE")
    webhook_retry_cap: float = setting(3600.0, "The longest pause between two attempts.", tag="CHOICE")
    webhook_give_up: float = setting(259200.0, "How long an event is tried for: 72 hours.", tag="DOC")

    webhook_clock: str = setting(
        "wall",
        "What `webhook-timestamp` goes by: `wall` is what every verifier compares it with, `virtual` the emulator's "
        "clock, which a test may move.",
        tag="CHOICE",
        choices=("wall", "virtual"),
    )

    # SIP timers, RFC 3261 table 4
    sip_t1: float = setting(0.5, "Timer T1: estimate of the round trip.", tag="RFC")
    sip_t2: float = setting(4.0, "Timer T2: the longest pause between retransmissions.", tag="RFC")
    sip_t4: float = setting(5.0, "Timer T4: how long a message may stay in the network.", tag="RFC")

    # Limits
    http_body_limit: int = setting(16 * 1024 * 1024, "Largest HTTP body; above it 413.", tag="CHOICE")
    sip_connect_timeout: float = setting(
        5.0,
        "How long a new connection to a caller may take whose own was closed.",
        tag="CHOICE",
    )
    sip_message_limit: int = setting(64 * 1024, "Largest SIP message; above it 513 or a close.", tag="CHOICE")
    sip_field_limit: int = setting(1000, "Header fields of one SIP message; above it 513.", tag="CHOICE")
    sip_message_timeout: float = setting(
        30.0, "How long a SIP message may take to be complete on a connection, which is closed then.", tag="CHOICE"
    )
    sip_connection_limit: int = setting(
        10_000, "TCP and TLS connections for SIP; above it new ones are closed.", tag="CHOICE"
    )
    sip_flow_limit: int = setting(
        10_000, "UDP addresses that are remembered; the oldest are forgotten, and their calls go on.", tag="CHOICE"
    )
    sip_transaction_limit: int = setting(
        400_000, "SIP transactions; above it 503 with Retry-After for what is new.", tag="CHOICE"
    )
    call_limit: int = setting(10_000, "SIP calls at a time; above it 503 with Retry-After for an INVITE.", tag="CHOICE")
    event_limit: int = setting(
        24 * 1024 * 1024, "Largest client event on a WebSocket; above it close 1009.", tag="CHOICE"
    )
    send_buffer_limit: int = setting(
        8 * 1024 * 1024, "Unsent bytes after which a WebSocket client that does not read is cut.", tag="CHOICE"
    )
    journal_limit: int = setting(50_000, "Entries that the journal keeps.")
    journal_folder: str | None = setting(None, "Folder to which the journal writes what it no longer keeps.")

    # Reproducibility
    seed: int | None = setting(None, "Seed of every id and token; without it they are random.")

    def __post_init__(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("give both of tls-cert and tls-key, or neither")
        for each in fields(self):
            choices, given = each.metadata["choices"], getattr(self, each.name)
            if choices and given not in choices:
                raise UsageError(f"{each.name.replace('_', '-')} {given!r}: give one of {', '.join(choices)}")
        if not self.codecs or not set(self.codecs) <= set(get_args(Codec)):
            raise UsageError(f"codecs {', '.join(self.codecs)!r}: give some of {', '.join(get_args(Codec))}")
        for name in ("http_port", "https_port", "sip_tls_port", "sip_tcp_port", "sip_udp_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise UsageError(f"{name.replace('_', '-')} {getattr(self, name)}: give a port from 0 to 65535")
        if not self.project.startswith("proj_"):
            raise UsageError(f"project {self.project!r}: a project id starts with proj_")


def describe() -> list[tuple[str, Any, str, str | None]]:
    """`(name, default, text, tag)` of each setting, in order: the command line and the docs are made from it."""
    return [(f.name, f.default, f.metadata["text"], f.metadata["tag"]) for f in fields(Settings)]
