"""Testing a voice application offline: the project, the caller and the clock behind the fixtures `ringback` and
`aringback`.

These are the names for annotations; nothing of it is imported before it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asynchronous import AsyncRingback
    from .browser import Browser as AsyncBrowser
    from .caller import Caller as AsyncCaller
    from .errors import ExpectationFailed, WrongUse
    from .faults import Faults
    from .process import Program
    from .synchronous import Browser, Caller, Clock, Journal, Ringback

__all__ = [
    "AsyncBrowser",
    "AsyncCaller",
    "AsyncRingback",
    "Browser",
    "Caller",
    "Clock",
    "ExpectationFailed",
    "Faults",
    "Journal",
    "Program",
    "Ringback",
    "WrongUse",
]

_HOMES = {
    "AsyncBrowser": "browser.Browser",
    "AsyncCaller": "caller.Caller",
    "AsyncRingback": "asynchronous.AsyncRingback",
    "Browser": "synchronous.Browser",
    "Caller": "synchronous.Caller",
    "Clock": "synchronous.Clock",
    "ExpectationFailed": "errors.ExpectationFailed",
    "Faults": "faults.Faults",
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
