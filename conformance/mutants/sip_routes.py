"""Wrong ways."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import mutant, remembering
from .messages import is_request, sends, status_of, value, with_status, with_value, without


def _with_uri(data: bytes, uri: str) -> bytes:
    method, _, rest = data.partition(b" ")
    return b" ".join((method, uri.encode(), rest.partition(b" ")[2]))


def _in_reverse(data: bytes) -> bytes:
    """The first two routes change places."""
    first, others = value(data, "Route"), without(data, "Route")
    second = value(others, "Route")
    if not is_request(data, "REFER") or not second:
        return data
    return with_value(others, "Route", f"{second}, {first}")


def _to_the_first_route(data: bytes) -> bytes:
    is_routed = is_request(data, "REFER") and value(data, "Route")
    return _with_uri(data, value(data, "Route").strip("<>")) if is_routed else data


def _strict_as_loose(data: bytes) -> bytes:
    is_strict = is_request(data, "BYE") and data.startswith(b"BYE sip:strict@")
    return _with_uri(data, value(data, "Route").strip("<>")) if is_strict else data


def _newest_route() -> Mapping[str, Any]:
    recorded: dict[str, str] = {}

    def note(data: bytes) -> Sequence[bytes]:
        if is_request(data, "INVITE") and ";tag=" in value(data, "To") and value(data, "Record-Route"):
            recorded[value(data, "Call-ID")] = value(data, "Record-Route")
        return [data]

    def take(data: bytes) -> Sequence[bytes]:
        newest = recorded.get(value(data, "Call-ID"))
        return [with_value(data, "Route", newest) if newest and is_request(data, "BYE") else data]

    return {"sip_in": note, "sip_out": take}


def _one_tag_for_each_call() -> Mapping[str, Any]:
    """Whose From tag is another one than that of the first INVITE of its Call-ID is not heard."""
    tags: dict[str, str] = {}

    def forget(data: bytes) -> Sequence[bytes]:
        found = re.search(r";tag=([^;>\s]+)", value(data, "From"))
        if not is_request(data, "INVITE") or found is None or ";tag=" in value(data, "To"):
            return [data]
        return [data] if tags.setdefault(value(data, "Call-ID"), found[1]) == found[1] else []

    return {"sip_in": forget}


def _one_connection_for_each_call() -> Mapping[str, Any]:
    came_by: dict[str, str] = {}

    def note(data: bytes) -> Sequence[bytes]:
        if is_request(data, "INVITE"):
            came_by.setdefault(value(data, "Call-ID"), value(data, "Via").partition(";")[0])
        return [data]

    def deny(data: bytes) -> Sequence[bytes]:
        way = came_by.get(value(data, "Call-ID"))
        is_other = status_of(data, "OPTIONS") == 200 and way not in (None, value(data, "Via").partition(";")[0])
        return [with_status(data, 481, "Call/Transaction Does Not Exist") if is_other else data]

    return {"sip_in": note, "sip_out": deny}


MUTANTS = [
    mutant("refer-by-routes-in-reverse", "SIP-ROUTE-01", "The routes of a REFER are in reverse.", **sends(_in_reverse)),
    mutant(
        "refer-to-the-first-route",
        "SIP-ROUTE-02",
        "The Request-URI of a REFER is the first route.",
        **sends(_to_the_first_route),
    ),
    mutant(
        "strict-router-as-loose",
        "SIP-ROUTE-03",
        "The Request-URI before a strict router is the Contact.",
        **sends(_strict_as_loose),
    ),
    mutant(
        "reinvite-renews-the-route",
        "SIP-ROUTE-04",
        "A BYE takes the route of the last re-INVITE.",
        remembering("", _newest_route),
    ),
    mutant(
        "one-tag-for-each-call",
        "SIP-ROUTE-05",
        "A second call of a Call-ID is not heard.",
        remembering("", _one_tag_for_each_call),
    ),
    mutant(
        "no-bye-by-a-new-connection",
        "SIP-ROUTE-06",
        "A caller whose connection is lost gets no BYE.",
        **sends(lambda data: None if data.startswith(b"BYE sip:listener@") else data),
    ),
    mutant(
        "one-connection-for-each-call",
        "SIP-ROUTE-07",
        "A request by another connection than that of the INVITE is answered with 481.",
        remembering("", _one_connection_for_each_call),
    ),
    mutant(
        "bye-said-once",
        "SIP-ROUTE-08",
        "A BYE that is lost with its connection does not come again.",
        **sends(
            lambda data: None if data.startswith(b"BYE sip:forgetful@") and value(data, "CSeq") != "1 BYE" else data
        ),
    ),
]
