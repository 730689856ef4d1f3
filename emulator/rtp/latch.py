"""Where media goes: to the address in the description, until packets show where the peer really is (symmetric RTP)."""

from typing import TypeAlias

Address: TypeAlias = tuple[str, int]

PATIENCE = 2.0
"""A source that was silent for so long may be replaced: a NAT has given its peer another port [CHOICE]."""


class Latch:
    """`target` is the signalled address, then the source of the first valid packet (RFC 4961).

    A second source is refused while the first one speaks: anybody can send to an open port.
    """

    def __init__(self, signalled: Address, *, patience: float = PATIENCE) -> None:
        self.target = signalled
        self.latched = False
        self._patience = patience
        self._heard_at = 0.0

    def accepts(self, source: Address, now: float) -> bool:
        """Whether a valid packet from `source` is the peer's. Ask for each one: it keeps the latch alive."""
        if self.latched and source != self.target and now - self._heard_at < self._patience:
            return False
        self.target = source
        self.latched = True
        self._heard_at = now
        return True
