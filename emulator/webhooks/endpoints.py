"""Webhook endpoints of one project: where its events are posted, and what signs them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidRequest, ResourceNotFound, UsageError
from ..ids import Ids
from .requests import EndpointChange, NewEndpoint, url_problem
from .signature import Secret, format_secret

OLD_SECRET_LIFETIME = 24 * 3600.0  # SDK: keep_old_secret_active_for_24_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint, as it is now: the registry replaces it when it changes."""

    id: str
    name: str
    url: str
    event_types: tuple[str, ...]
    secret: Secret
    old_secrets: tuple[tuple[Secret, float], ...] = ()
    """Rotated secrets that still sign, each with the time at which that ends."""
    created_at: int
    updated_at: int

    def secrets_at(self, now: float) -> tuple[bytes, ...]:
        """The keys that sign at `now`, the current one first."""
        return (self.secret.key, *(old.key for old, until in self.old_secrets if now < until))

    def as_dict(self, *, with_secret: bool = False) -> dict[str, Any]:
        """The API's object. The secret itself is shown when it was made, and never again [SDK]."""
        fields: dict[str, Any] = {
            "id": self.id,
            "object": "webhook_endpoint",
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "name": self.name,
            "url": self.url,
            "event_types": list(self.event_types),
            "signing_secret_hint": self.secret.hint,
        }
        if with_secret:
            fields["signing_secret"] = self.secret.text
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the list of endpoints."""

    endpoints: tuple[Endpoint, ...]
    has_more: bool

    def as_dict(self) -> dict[str, Any]:
        """The API's list object."""
        return {
            "object": "list",
            "data": [endpoint.as_dict() for endpoint in self.endpoints],
            "first_id": self.endpoints[0].id if self.endpoints else None,
            "last_id": self.endpoints[-1].id if self.endpoints else None,
            "has_more": self.has_more,
        }


def check_url(url: str) -> None:
    """Raises `UsageError` for a URL that whoever starts the emulator can't have events posted to."""
    problem = url_problem(url, is_own_network=True)
    if problem is not None:
        raise UsageError(f"webhook URL {url!r}: {problem}")


STATIC_NAMES = ("--webhook-url", "add_webhook")
"""Of the endpoints that were given by URL; those that an application made have the names that it gave them."""


class EndpointRegistry:
    """The endpoints of one project, in the order in which they were made. What does not exist raises
    `ResourceNotFound`."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._endpoints: dict[str, Endpoint] = {}

    # Input

    def create(self, new: NewEndpoint, *, now: float) -> Endpoint:
        """Make an endpoint with a secret of its own."""
        return self._add(new, self._new_secret(), now)

    def add_static(
        self, url: str, *, secret: str, event_types: Sequence[str], now: float, name: str = "--webhook-url"
    ) -> Endpoint:
        """An endpoint of the emulator's settings: its secret is given, and `http:` may leave the machine, for whoever
        starts the emulator knows the network. Raises `UsageError` for a URL or secret that can't be used."""
        check_url(url)
        return self._add(NewEndpoint(name=name, url=url, event_types=tuple(event_types)), Secret.parse(secret), now)

    def update(self, endpoint_id: str, change: EndpointChange, *, now: float) -> Endpoint:
        """Change what `change` names. SDK: "unchanged updates do not advance" `updated_at`."""
        endpoint = self.get(endpoint_id)
        changed = replace(
            endpoint,
            name=endpoint.name if change.name is None else change.name,
            url=endpoint.url if change.url is None else change.url,
            event_types=endpoint.event_types if change.event_types is None else change.event_types,
        )
        return endpoint if changed == endpoint else self._put(replace(changed, updated_at=int(now)))

    def rotate_secret(self, endpoint_id: str, *, keep_old: bool, now: float) -> Endpoint:
        """Give the endpoint a new secret. With `keep_old` the one before signs too, for 24 hours; without, every older
        secret ends at once."""
        endpoint = self.get(endpoint_id)
        living = tuple((secret, until) for secret, until in endpoint.old_secrets if now < until)
        old = ((endpoint.secret, now + OLD_SECRET_LIFETIME), *living) if keep_old else ()
        return self._put(replace(endpoint, secret=self._new_secret(), old_secrets=old, updated_at=int(now)))

    def delete(self, endpoint_id: str) -> None:
        """Forget an endpoint. What still waits to be delivered to it is abandoned (`Deliveries.endpoint_deleted`)."""
        del self._endpoints[self.get(endpoint_id).id]

    # Queries

    def get(self, endpoint_id: str) -> Endpoint:
        endpoint = self.find(endpoint_id)
        if endpoint is None:
            raise ResourceNotFound(f"No webhook endpoint found with id '{endpoint_id}'.")
        return endpoint

    def find(self, endpoint_id: str) -> Endpoint | None:
        return self._endpoints.get(endpoint_id)

    def list(self, *, after: str | None = None, limit: int = 20) -> Page:
        """Newest first; `after` is the last id of the page before. Raises `InvalidRequest` for an `after` that does not
        exist [CHOICE]."""
        endpoints = tuple(reversed(self._endpoints.values()))
        if after is not None:
            if after not in self._endpoints:
                raise InvalidRequest(
                    f"Invalid 'after': no webhook endpoint found with id '{after}'.",
                    param="after",
                    code="invalid_value",
                )
            endpoints = endpoints[[endpoint.id for endpoint in endpoints].index(after) + 1 :]
        return Page(endpoints=endpoints[:limit], has_more=len(endpoints) > limit)

    def subscribers(self, event_type: str) -> tuple[Endpoint, ...]:
        """Every endpoint that wants events of this type, oldest first."""
        return tuple(endpoint for endpoint in self._endpoints.values() if event_type in endpoint.event_types)

    # Private

    def _add(self, new: NewEndpoint, secret: Secret, now: float) -> Endpoint:
        return self._put(
            Endpoint(
                id=self._ids.webhook_endpoint(),
                name=new.name,
                url=new.url,
                event_types=new.event_types,
                secret=secret,
                created_at=int(now),
                updated_at=int(now),
            )
        )

    def _put(self, endpoint: Endpoint) -> Endpoint:
        self._endpoints[endpoint.id] = endpoint
        return endpoint

    def _new_secret(self) -> Secret:
        return Secret.parse(format_secret(self._ids.webhook_secret_bytes()))
