"""The addresses of a running emulator, as programs that want to reach it need them."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyInfo:
    """Where everything is. `--ready-json` writes it, `/_ringback/ready` serves it."""

    base_url: str
    """Of the API over HTTP, ending in `/v1`: what `OPENAI_BASE_URL` takes."""
    https_base_url: str
    api_key: str
    project_id: str
    webhook_secret: str
    sip: dict[str, str]
    """The URI to dial, by transport: `tls`, `tcp`, `udp`."""
    ca_file: str
    """The certificate authorities that clients must trust for TLS: ours, and those in the file of `tls_cert`."""
    admin_url: str
    srtp: str
    """The setting: whether phones must speak SRTP."""

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
