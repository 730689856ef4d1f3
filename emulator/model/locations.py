"""Where in a TOML text each value stands. `tomllib` reads TOML and does not tell; this walks the text a second time.

Only for a text that `tomllib` has read: what is valid is not checked again here.
"""

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""From the root: keys of tables, and positions in arrays."""

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"((?:[^"\\]|\\.)*)"|'([^']*)'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2}(?!"))' + r"|'''.*?'''(?:'{0,2}(?!'))" + r'|"(?:[^"\\]|\\.)*"' + r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\s#]+(?: \d[^,\]}\s#]*)?")  # a date and its time may have a space between them


def locate(text: str) -> Mapping[Path, int]:
    """The line, from 1, of each table, key and element."""
    return _Walk(text).lines


class _Walk:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self._text = text
        self._at = 0
        self._counts: dict[Path, int] = {}
        """How many tables an array of tables has so far."""
        prefix: Path = ()
        while self._after_blanks() < len(text):
            if text[self._at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        keys = self._keys()
        prefix: Path = ()
        for position, key in enumerate(keys):
            prefix = (*prefix, key)
            is_last = position == len(keys) - 1
            if is_last and is_array:
                self._counts[prefix] = self._counts.get(prefix, 0) + 1
            if prefix in self._counts:
                self._mark(prefix)
                prefix = (*prefix, self._counts[prefix] - 1)
            self._mark(prefix)
        self._at += 2 if is_array else 1
        return prefix

    def _pair(self, prefix: Path) -> None:
        path = prefix
        for key in self._keys():
            path = (*path, key)
            self._mark(path)
        self._at += 1  # =
        self._skip(_SPACE)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            found = _KEY.match(self._text, self._at)
            assert found is not None
            keys.append(next(group for group in (found[1], found[2], found[0]) if group is not None))
            self._at = found.end()
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        match self._text[self._at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._text[self._after_blanks()] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._mark((*path, index))
            self._value((*path, index))
            index += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._text[self._after_blanks()] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _after_blanks(self) -> int:
        self._skip(_BLANK)
        return self._at

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _mark(self, path: Path) -> None:
        self.lines.setdefault(path, self._text.count("\n", 0, self._at) + 1)
