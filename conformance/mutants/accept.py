"""Wrong ways to accept a call."""

import json

from ringback.emulator.calls.effects import SendSip
from ringback.emulator.faults.plan import Fault, HttpExchange

from . import EVERYTHING, mutant
from .answers import answered, verb
from .messages import status_of, with_status


def _has_only_its_type(exchange: HttpExchange) -> bool:
    return verb("accept", 200)(exchange) and list(json.loads(exchange.request_body)) == ["type"]


MUTANTS = [
    mutant(
        "accept-answered-202",
        "CALL-ACCEPT-01",
        "An accept is answered with 202.",
        answered("", verb("accept", 200), 202),
        also=EVERYTHING,
    ),
    mutant(
        "accept-without-ringing",
        "CALL-ACCEPT-03",
        "The caller of an accepted call is answered without having heard ringing.",
        Fault(
            name="",
            effect=lambda call, effect: [] if isinstance(effect, SendSip) and effect.status == 180 else [effect],
        ),
    ),
    mutant(
        "call-answered-202",
        "CALL-ACCEPT-04",
        "The caller of an accepted call receives 202 instead of 200.",
        sip_out=lambda data: [with_status(data, 202, "Accepted") if status_of(data, "INVITE") == 200 else data],
    ),
    mutant(
        "accept-knows-no-noise-reduction",
        "CALL-ACCEPT-08",
        "An accept with a documented field of the session is refused.",
        answered("", lambda each: verb("accept", 200)(each) and b"noise_reduction" in each.request_body, 400),
    ),
    mutant(
        "accept-wants-more",
        "CALL-ACCEPT-09",
        "An accept with nothing but a type is refused.",
        answered("", _has_only_its_type, 400),
    ),
]
