"""The tenant: everything that one customer of the emulator has, apart from the next one's."""

from dataclasses import dataclass, field

from ..webhooks.endpoints import EndpointRegistry


@dataclass(slots=True, kw_only=True)
class Project:
    """`id` is the user part of the SIP URI that callers dial; a request belongs to it by its API key."""

    id: str
    api_keys: set[str] = field(default_factory=set)
    webhook_secret: str
    endpoints: EndpointRegistry
    auto_accept: bool = False
