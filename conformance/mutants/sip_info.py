"""Keys by INFO that are lost, and INFOs that nobody should take."""

from ringback.emulator.calls.effects import HearDigit
from ringback.emulator.faults.effects import drop

from . import mutant
from .messages import sends, status_of, with_status

MUTANTS = [
    mutant("info-unheard", "SIP-INFO-01", "A key by INFO is told to nobody.", drop("", HearDigit)),
    mutant(
        "any-info-is-fine",
        "SIP-INFO-02",
        "An INFO of an unknown type is answered with 200.",
        **sends(lambda data: with_status(data, 200, "OK") if status_of(data, "INFO") == 415 else data),
    ),
]
