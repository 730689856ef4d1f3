"""Faults of REST answers."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ringback.emulator.faults.plan import Fault, HttpExchange

Which = Callable[[HttpExchange], bool]


def verb(name: str, status: int) -> Which:
    """Answers with that status to a verb of a call."""
    return lambda exchange: exchange.status == status and exchange.path.endswith(f"/{name}")


def request_header(exchange: HttpExchange, name: str) -> str:
    return next((value for key, value in exchange.request_headers if key.lower() == name.lower()), "")


def answered(name: str, which: Which, status: int) -> Fault:
    """Those answers get another status."""
    return Fault(name=name, http=lambda each: replace(each, status=status) if which(each) else each)


def error_changed(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """Errors are changed inside their envelope."""

    def other(exchange: HttpExchange) -> HttpExchange:
        if exchange.status < 400:
            return exchange
        return replace(exchange, body=json.dumps({"error": change(json.loads(exchange.body)["error"])}).encode())

    return Fault(name=name, http=other)


def with_header(exchange: HttpExchange, name: str, value: str) -> HttpExchange:
    kept = tuple(header for header in exchange.headers if header[0].lower() != name.lower())
    return replace(exchange, headers=(*kept, (name, value)))


def is_offer(exchange: HttpExchange) -> bool:
    """Answers to an offer, refusals too."""
    return exchange.method == "POST" and exchange.path.partition("?")[0].endswith("/realtime/calls")


def to_offer(name: str, change: Callable[[HttpExchange], HttpExchange]) -> Fault:
    """What is answered to offers that are taken is what `change` makes of it."""
    return Fault(name=name, http=lambda each: change(each) if is_offer(each) and each.status == 201 else each)


def sdp_changed(name: str, change: Callable[[str], str]) -> Fault:
    """The SDP of the answer to an offer is what `change` makes of it."""
    return to_offer(name, lambda each: replace(each, body=change(each.body.decode()).encode()))


def without_lines(*beginnings: str) -> Callable[[str], str]:
    """An SDP without the lines that begin so."""
    return lambda sdp: "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(beginnings))


def of_web_calls(name: str, change: Callable[[HttpExchange], HttpExchange]) -> Fault:
    """Answers about calls that an offer made are what `change` makes of them."""

    def fresh() -> Fault:
        ids: set[str] = set()

        def other(exchange: HttpExchange) -> HttpExchange:
            if is_offer(exchange):
                ids.update(value.rpartition("/")[2] for key, value in exchange.headers if key.lower() == "location")
                return exchange
            return change(exchange) if any(call_id in exchange.path for call_id in ids) else exchange

        return Fault(name=name, http=other)

    return Fault(name=name, fresh=fresh)
