"""Durations as people write them."""

import re

from .errors import WrongUse

_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def seconds_of(duration: float | str) -> float:
    """`90`, `"90 s"`, `"61 min"`, `"72 h"`, `"1 h 30 min"`. Raises `WrongUse` for anything else."""
    if isinstance(duration, str):
        parts = _DURATION.findall(duration)
        if not parts or _DURATION.sub("", duration) or any(unit not in _UNITS for _, unit in parts):
            raise WrongUse(f"duration {duration!r}: give seconds, or a number and one of {', '.join(_UNITS)}")
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not duration >= 0:
        raise WrongUse(f"duration {duration!r}: time does not go back")
    return float(duration)
