"""Which event loop a process of its own runs on: asyncio's, or uvloop's where it is installed (`ringback[fast]`)."""

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from typing import Literal

from .errors import UsageError

LoopKind = Literal["auto", "asyncio", "uvloop"]
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


def loop_factory(kind: LoopKind) -> MakeLoop | None:
    """For `asyncio.Runner`; None means asyncio's own. `auto` takes uvloop where it is there.

    Raises `UsageError` when uvloop is wanted and is not installed.
    """
    if kind == "asyncio":
        return None
    if importlib.util.find_spec("uvloop") is None:
        if kind == "auto":
            return None
        raise UsageError("uvloop is not installed: pip install 'ringback[fast]', or give --loop asyncio")
    make: MakeLoop = importlib.import_module("uvloop").new_event_loop
    return make
