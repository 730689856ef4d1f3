"""Wrong reliability of provisional responses."""

from . import mutant
from .messages import sends, status_of, with_status, without

MUTANTS = [
    mutant(
        "ringing-without-rseq",
        "SIP-PRACK-01",
        "Where reliable ringing is required the 180 has no RSeq.",
        also={"SIP-PRACK-02"},
        **sends(lambda data: without(data, "RSeq") if status_of(data, "INVITE") == 180 else data),
    ),
    mutant(
        "prack-unknown",
        "SIP-PRACK-02",
        "A PRACK is answered with 481.",
        **sends(lambda data: with_status(data, 481, "Does Not Exist") if status_of(data, "PRACK") == 200 else data),
    ),
    mutant(
        "any-prack-is-fine",
        "SIP-PRACK-03",
        "A PRACK of another response is answered with 200.",
        **sends(lambda data: with_status(data, 200, "OK") if status_of(data, "PRACK") == 481 else data),
    ),
]
