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
