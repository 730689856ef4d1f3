"""Testing a voice application offline: the project, the caller and the clock behind the fixtures `ringback` and
`aringback`.

These are the names for annotations; nothing of it is imported before it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asynchronous import AsyncRingback
    from .caller import Caller as AsyncCaller
    from .errors import ExpectationFailed, WrongUse
    from .process import Program
    from .synchronous import Caller, Clock, Journal, Ringback

__all__ = [
    "AsyncCaller",
    "AsyncRingback",
    "Caller",
    "Clock",
    "ExpectationFailed",
    "Journal",
    "Program",
    "Ringback",
    "WrongUse",
]

_HOMES = {
    "AsyncCaller": "caller.Caller",
    "AsyncRingback": "asynchronous.AsyncRingback",
    "Caller": "synchronous.Caller",
    "Clock": "synchronous.Clock",
    "ExpectationFailed": "errors.ExpectationFailed",
    "Journal": "synchronous.Journal",
    "Program": "process.Program",
    "Ringback": "synchronous.Ringback",
    "WrongUse": "errors.WrongUse",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, inner = _HOMES[name].partition(".")
    return getattr(importlib.import_module(f".{module}", __name__), inner)
