"""How long the suite waits, and why. Every wait of a check is one of these; live targets widen them by their round
trip."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """Seconds. `scaled(rtt)` is what a target gets whose round trip was measured."""

    answer: float = 5.0
    """An HTTP answer, a SIP response or a handshake: it takes milliseconds; busy machines stall for seconds."""
    webhook: float = 10.0
    """From INVITE to webhook: documented as immediate; queues have been seen to take seconds [OBS]."""
    event: float = 5.0
    """From a cause to its server event."""
    speech: float = 30.0
    """A sentence spoken at 24 characters a second, a model that thinks, and the detection of its end."""
    silence: float = 0.5
    """How long nothing must come before we say that nothing comes. The wrong thing mostly comes in milliseconds."""
    connection: float = 10.0
    """From the answer to an offer until ICE, DTLS and the data channel stand: 50 ms, longer where packets are lost."""
    repeat: float = 0.75
    """How long no retransmission must come: the first one would come after T1, half a second (RFC 3261 17)."""
    retry: float = 5.0
    """Until the second attempt of a webhook, where time is real: documented only as soon, with exponential backoff."""
    bye: float = 5.0
    """From the end of a call to its BYE."""
    farewell: float = 35.0
    """Until a caller who vanished is given up: consent to send expires after 30 s (RFC 7675 5.1)."""
    check: float = 45.0
    """One whole check: whatever hangs, the run does not."""

    def scaled(self, rtt: float) -> "Tolerances":
        """The same with room for `rtt` seconds on every exchange: set-up takes up to ten round trips."""
        extra = round(10 * rtt, 2)
        return replace(
            self,
            answer=self.answer + extra,
            webhook=self.webhook + extra,
            event=self.event + extra,
            speech=self.speech + extra,
            silence=self.silence + extra,
            connection=self.connection + extra,
            repeat=self.repeat + extra,
            retry=self.retry + extra,
            bye=self.bye + extra,
            farewell=self.farewell + extra,
            check=self.check + 10 * extra,
        )
