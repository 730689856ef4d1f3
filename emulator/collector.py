"""Python's garbage collector, set for a server that owns its process. Nothing here is called by the library itself."""

import gc

YOUNG = 50_000
"""New containers between two collections; the default of 700 is reached in a few calls."""
MIDDLE, OLD = 20, 50


def settle() -> None:
    """Call it once everything is up. What was imported is never looked at again, and what calls leave behind is freed
    by its counts: transactions that linger for 32 s must not be searched for cycles hundreds of times, which took a
    quarter of the time of a call and delayed all others."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
