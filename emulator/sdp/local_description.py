"""Our own description of a call, through all of its offers and answers: one origin whose version rises (RFC 3264 8)."""

from collections.abc import Callable

from ..ids import Ids

NUMBER_BITS = 31


class LocalDescription:
    """`write` once for each description that leaves; `build(session_id, version)` makes its text."""

    def __init__(self, ids: Ids) -> None:
        self._session_id = ids.number(NUMBER_BITS)
        self._version = ids.number(NUMBER_BITS)
        self._text: str | None = None

    def write(self, build: Callable[[int, int], str]) -> str:
        """RFC 3264 8: another description has another version; what only refreshes the session keeps its own."""
        text = build(self._session_id, self._version)
        if self._text is not None and text != self._text:
            self._version += 1  # RFC 3264 8: "must increment by one"
            text = build(self._session_id, self._version)
        self._text = text
        return text
