"""What a scenario expects of a text: a part of it, or a regular expression between slashes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UsageError

_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE}


@dataclass(frozen=True, slots=True)
class Pattern:
    """`"human"` is found in whatever contains it, in any case, since nobody hears capitals; `"/human|agent/i"` is a
    regular expression, which is searched for, with the flags `i`, `s` and `m`. The empty text is in every text."""

    source: str
    regex: re.Pattern[str]

    @classmethod
    def of(cls, source: str) -> "Pattern":
        """Raises `UsageError` for what is no regular expression, or has another flag."""
        if not source.startswith("/"):
            return cls(source, re.compile(re.escape(source), re.IGNORECASE))
        expression, slash, letters = source[1:].rpartition("/")
        if not slash:
            raise UsageError(f'"{source}" begins as a regular expression and does not end as one: "/human|agent/i"')
        unknown = [letter for letter in letters if letter not in _FLAGS]
        if unknown:
            raise UsageError(f'"{source}" has the flag {unknown[0]}: there are i (any case), s and m')
        flags = re.NOFLAG
        for letter in letters:
            flags |= _FLAGS[letter]
        try:
            return cls(source, re.compile(expression, flags))
        except re.error as error:
            raise UsageError(f'"{source}" is no regular expression: {error}') from error

    def find(self, text: str) -> Mapping[str, str] | None:
        """The named groups that were found in `text`, or None where the pattern was not."""
        found = self.regex.search(text)
        return None if found is None else {name: group or "" for name, group in found.groupdict().items()}

    def find_at_end(self, text: str) -> Mapping[str, str] | None:
        """The same for a pattern that `text` ends with."""
        found = re.compile(f"(?:{self.regex.pattern})\\Z", self.regex.flags).search(text)
        return None if found is None else {name: group or "" for name, group in found.groupdict().items()}

    @property
    def names(self) -> frozenset[str]:
        """Of the groups."""
        return frozenset(self.regex.groupindex)

    def __str__(self) -> str:
        return self.source if self.source.startswith("/") else f"“{self.source}”"
