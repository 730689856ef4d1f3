"""Wrong rejections."""

from dataclasses import replace

from ringback.emulator.calls.effects import ReplyHttp, SendSip
from ringback.emulator.faults.effects import change, early
from ringback.emulator.faults.plan import Fault

from . import mutant

LATE = 1.5


def _instead(status: int, *of: int) -> Fault:
    return change("", SendSip, lambda effect: replace(effect, status=status) if effect.status in of else effect)


MUTANTS = [
    mutant(
        "reject-busy-by-default",
        "CALL-REJECT-01",
        "Without a status the caller gets 486 instead of 603.",
        _instead(486, 603),
    ),
    mutant(
        "reject-busy-everywhere",
        "CALL-REJECT-02",
        "With 486 the caller gets 600.",
        _instead(600, 486),
    ),
    mutant(
        "reject-knows-two-statuses",
        "CALL-REJECT-03",
        "Statuses other than 486 and 603 become 603.",
        _instead(603, 404, 480, 503),
    ),
    mutant(
        "reject-answered-early",
        "CALL-REJECT-04",
        "A reject is answered long before the caller is.",
        early("", ReplyHttp, before=SendSip, pause=LATE),
    ),
]
