"""The idle timeout of `server_vad`: how long the caller may be silent once the model's words were played [DOC].

It counts from the time of `response.done` plus the playback of the response; where a call's leg plays it, from the real
end of that. Speech ends the wait, and so does another response, behind which it begins anew. Before the first response
nothing is waited for, nor after a turn that nobody answers: the documentation counts from the model's last words only
[CHOICE].
"""

from typing import Any


class IdleTimer:
    """Tell it what happens, then `advance` it, with all else at rest. Times are those of the caller's clock."""

    def __init__(self, turn_detection: dict[str, Any] | None) -> None:
        self.is_on = False
        """Whether somebody was answered, and may now be silent for too long."""
        self.is_listening = False
        """Whether playback is over: from here on what is heard belongs to the silence."""
        self._timeout: float | None = None
        self._playback = 0.0
        self._until: float | None = None
        self.configure(turn_detection)

    # Input

    def configure(self, turn_detection: dict[str, Any] | None) -> None:
        """Other settings: a wait begins anew with them."""
        timeout_ms = None if turn_detection is None else turn_detection.get("idle_timeout_ms")
        self._timeout = None if timeout_ms is None else timeout_ms / 1000
        if self.is_on:
            self.answered(0.0)

    def answered(self, playback: float) -> None:
        """A response is done; `playback` seconds of it can't have been played yet."""
        self.is_on, self.is_listening = True, False
        self._playback, self._until = playback, None

    def stop(self) -> None:
        """Somebody speaks."""
        self.is_on = self.is_listening = False
        self._until = None

    def advance(self, now: float) -> bool:
        """Let time pass. Whether the silence has been too long; then nothing is waited for any more."""
        if not self.is_on or self._timeout is None:
            return False
        if self._until is None:
            self._until = now + self._playback
        if not self.is_listening and now >= self._until:
            self.is_listening = True
            self._until += self._timeout
        if now < self._until:
            return False
        self.stop()
        return True

    # Queries

    def next_deadline(self) -> float | None:
        """When `advance` is to be called next; None before it was called at all."""
        return self._until
