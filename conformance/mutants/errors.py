"""Wrong error envelopes."""

from . import mutant
from .answers import error_changed, with_header

MUTANTS = [
    mutant(
        "error-without-param",
        "ERROR-ENVELOPE-01",
        "Errors have no param.",
        error_changed("", lambda error: {name: value for name, value in error.items() if name != "param"}),
    ),
    mutant(
        "error-without-words",
        "ERROR-ENVELOPE-02",
        "The message of an error is null.",
        error_changed("", lambda error: {**error, "message": None}),
    ),
    mutant(
        "error-with-number",
        "ERROR-ENVELOPE-03",
        "The code of an error is a number.",
        error_changed("", lambda error: {**error, "code": 404}),
    ),
    mutant(
        "error-as-text",
        "ERROR-ENVELOPE-04",
        "Errors are said to be plain text.",
        http=lambda each: with_header(each, "Content-Type", "text/plain") if each.status >= 400 else each,
    ),
]
