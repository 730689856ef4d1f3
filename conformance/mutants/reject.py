"""Wrong rejections."""

from dataclasses import replace

from ringback.emulator.calls.effects import SendSip
from ringback.emulator.faults.effects import change

from . import Mutant

MUTANTS = [
    Mutant(
        name="reject-busy-by-default",
        breaks="CALL-REJECT-01",
        fault=change(
            "reject-busy-by-default",
            SendSip,
            lambda effect: replace(effect, status=486) if effect.status == 603 else effect,
        ),
        says="Without a status the caller gets 486 instead of 603.",
    ),
]
