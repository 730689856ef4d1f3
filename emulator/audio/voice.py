"""What speaks and what listens: text into sound and back, behind two protocols.

The usual pair is tonecode (`docs/tonecode.md`): exact transcripts, no speech model. A session speaks with a `Voice` and
gives each of its callers an `Ear`; neither knows which.
"""

from typing import Protocol

from ringback.fixtures import tonecode, wirecode
from ringback.fixtures.tonecode import Heard

from .samples import Samples

__all__ = ["Ear", "Heard", "TonecodeEar", "TonecodeVoice", "Voice", "WirecodeEar", "WirecodeVoice"]


class Voice(Protocol):
    """Text into sound. One for each speaker."""

    def speak(self, text: str) -> Samples:
        """The sound of a text, 8 kHz."""
        ...

    def heard_prefix(self, text: str, played_samples: int) -> str:
        """What of `text` a listener has heard when the playback of its sound stopped after so many samples."""
        ...


class Ear(Protocol):
    """Sound into text. One for each stream that is listened to."""

    def feed(self, samples: Samples) -> list[Heard]:
        """Take the next samples of the stream, any number of them, and return what they completed."""
        ...

    def flush(self) -> list[Heard]:
        """The stream has ended: return what is left. Positions begin at 0 again."""
        ...


class TonecodeVoice:
    """Speaks tonecode, each text with the next utterance number, so that a listener keeps neighbours apart."""

    def __init__(self) -> None:
        self._utterance = -1

    def speak(self, text: str) -> Samples:
        self._utterance += 1
        return tonecode.encode(text, utterance=self._utterance)

    def heard_prefix(self, text: str, played_samples: int) -> str:
        return tonecode.heard_prefix(text, played_samples)


class TonecodeEar:
    """Hears tonecode, and in any other sound nothing: real speech has no transcript here."""

    def __init__(self) -> None:
        self._receiver: tonecode.Receiver | None = None
        """Made when there is something to hear: it takes a third of the time in which a session opens."""

    def feed(self, samples: Samples) -> list[Heard]:
        if self._receiver is None:
            self._receiver = tonecode.Receiver()
        return self._receiver.feed(samples)

    def flush(self) -> list[Heard]:
        return [] if self._receiver is None else self._receiver.flush()


class WirecodeVoice:
    """Speaks wirecode, for a caller in the same process, to whom samples come as they were made."""

    def __init__(self) -> None:
        self._utterance = -1

    def speak(self, text: str) -> Samples:
        self._utterance += 1
        return wirecode.encode(text, utterance=self._utterance)

    def heard_prefix(self, text: str, played_samples: int) -> str:
        return wirecode.heard_prefix(text, played_samples)


class WirecodeEar:
    """Hears wirecode."""

    def __init__(self) -> None:
        self._receiver = wirecode.Receiver()

    def feed(self, samples: Samples) -> list[Heard]:
        return self._receiver.feed(samples)

    def flush(self) -> list[Heard]:
        return self._receiver.flush()
