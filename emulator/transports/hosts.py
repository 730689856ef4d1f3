"""Makes the sessions of calls and of direct WebSockets, and knows those that have no call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..calls.call import Call
from ..calls.effects import OpenSession
from ..calls.leg import SipLeg
from ..config import Settings
from ..faults.plan import Faults
from ..ids import Ids
from ..journal import Journal
from ..realtime.session_config import SessionConfig
from .deadlines import Clock, Deadlines
from .hosting import RunningHost

if TYPE_CHECKING:
    from ..audio.voice import Voice
    from ..sessions.host import SessionHost
    from ..sessions.model import Model

GOING_AWAY = 1001
INTERNAL_ERROR = 1011

MakeModel = Callable[[str], "Model"]
"""Who answers in the sessions of a project, by its id. Asked once for each session."""


class Hosts:
    """`for_call` makes a call's session, which its call owns; `open` makes one without a call, which is kept here until
    it is closed. What makes sound is imported with the first of them."""

    def __init__(
        self,
        *,
        settings: Settings,
        ids: Ids,
        journal: Journal,
        deadlines: Deadlines,
        clock: Clock,
        faults: Faults,
        make_model: MakeModel,
        voice: "Voice | None",
    ) -> None:
        self._settings = settings
        self._ids = ids
        self._journal = journal
        self._deadlines = deadlines
        self._clock = clock
        self._faults = faults
        self._make_model = make_model
        self._voice = voice
        self._open: dict[RunningHost, None] = {}

    # Input

    def for_call(
        self,
        call: Call,
        effect: OpenSession,
        on_expired: Callable[[], None],
        on_hang_up: Callable[[str], None],
        on_bug: Callable[[Exception], None],
    ) -> RunningHost:
        """The session that a call's accept asks for."""
        from ..sessions.host import SessionHost

        leg = call.leg
        codec = leg.negotiated.codec if isinstance(leg, SipLeg) and leg.negotiated is not None else "PCMU"
        host = SessionHost(
            session_id=self._ids.session_of(call.call_id),
            config=effect.config,
            model=self._make_model(call.project_id),
            ids=self._ids,
            now=self._clock.now(),
            transport=leg.kind,
            codec=codec,
            session_limit=self._settings.session_limit,
            sends_legacy_events=self._settings.legacy_events,
            **_wirecode() if isinstance(leg, SipLeg) and leg.line is not None else {"voice": self._voice},
        )
        return self._running(host, call.project_id, call.call_id, on_expired, on_hang_up, on_bug)

    def open(self, project_id: str, config: SessionConfig) -> RunningHost:
        """A session without a call. Whoever opens it attaches its channel, and gives it to `close` at the end."""
        from ..sessions.host import SessionHost

        host = SessionHost(
            session_id=self._ids.session(),
            config=config,
            model=self._make_model(project_id),
            ids=self._ids,
            now=self._clock.now(),
            transport="websocket",
            voice=self._voice,
            session_limit=self._settings.session_limit,
            sends_legacy_events=self._settings.legacy_events,
        )

        def bug(error: Exception) -> None:
            self._journal.add_bug(error, now=self._clock.now(), project_id=project_id)
            self.close(running, INTERNAL_ERROR)

        def expired() -> None:
            """The host has closed its channel, and whoever serves that gives the session back."""

        def hung_up(reason: str) -> None:
            self.close(running, self._settings.hangup_close)

        running = self._running(host, project_id, None, expired, hung_up, bug)
        self._open[running] = None
        return running

    def close(self, running: RunningHost, code: int = GOING_AWAY) -> None:
        """End a session without a call. Safe to call twice."""
        self._open.pop(running, None)
        running.close(code)

    def stop(self) -> None:
        """End all of them."""
        for running in tuple(self._open):
            self.close(running)

    # Queries

    def __len__(self) -> int:
        """How many sessions without a call are open."""
        return len(self._open)

    # Private

    def _running(
        self,
        host: "SessionHost",
        project_id: str,
        call_id: str | None,
        on_expired: Callable[[], None],
        on_hang_up: Callable[[str], None],
        on_bug: Callable[[Exception], None],
    ) -> RunningHost:
        running = RunningHost(
            host,
            project_id=project_id,
            call_id=call_id,
            journal=self._journal,
            deadlines=self._deadlines,
            now=self._clock.now,
            on_expired=on_expired,
            on_hang_up=on_hang_up,
            on_bug=on_bug,
            faults=self._faults,
        )
        running.pump()  # a session has a deadline from its start, though nobody may ever say a word in it
        return running


def make_voice(settings: Settings) -> "Voice | None":
    """What speaks to whoever calls from outside; None is the tonecode of each session's own. Raises `UsageError` for a
    voice that is not there."""
    if settings.voice == "tonecode":
        return None
    from ..audio.espeak import EspeakVoice

    return EspeakVoice(settings.voice_language)


def _wirecode() -> dict[str, Any]:
    """What a caller in this process speaks and hears."""
    from ..audio.voice import WirecodeEar, WirecodeVoice

    return {"voice": WirecodeVoice(), "make_ear": WirecodeEar}
