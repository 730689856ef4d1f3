"""How much longer than elsewhere whatever is waited for may take on this machine."""

import math

from .errors import WrongUse

PATIENCE = "RINGBACK_PATIENCE"


def patience_of(said: str) -> float:
    """The factor by which every `within=` is multiplied. Raises `WrongUse` for what is none."""
    try:
        factor = float(said)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise WrongUse(f"patience {said!r}: give a number above 0, as 5 for a machine that is five times as slow")
    return factor
