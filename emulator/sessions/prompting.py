"""What makes a model speak that nobody asked: tells an `Unasked` model what happens, and how long it has been quiet."""

from ..audio.samples import SAMPLE_RATE
from ..realtime.response import Response
from ..realtime.session import Session
from ..realtime.session_config import SessionConfig
from .model import Model, Unasked, speaks_unasked


class Prompting:
    """Quiet is when neither the caller nor the model speaks: no turn of the caller is open, no response active, nothing
    left to play. Where sound leaves as events it counts as played in the time that it lasts [CHOICE]."""

    def __init__(self, model: Unasked, session: Session, *, has_media: bool) -> None:
        self.deadline: float | None = None
        """When `handle_timer` has something to say, as of the last `begin`."""
        self._model = model
        self._session = session
        self._has_media = has_media
        self._is_open = False
        self._quiet_since: float | None = None
        self._config: SessionConfig | None = None
        self._latest: Response | None = None
        self._latest_at = 0.0
        self._played_until = 0.0
        """When a client that plays what it gets has played all of it."""

    @classmethod
    def of(cls, model: Model, session: Session, *, has_media: bool) -> "Prompting | None":
        """None for a model that never speaks unasked, as the service's does not."""
        return cls(model, session, has_media=has_media) if speaks_unasked(model) else None

    # Input

    def attached(self) -> None:
        """A channel was attached."""
        if not self._has_media:
            self._open()

    def flows(self) -> None:
        """The leg takes and gives sound."""
        self._open()

    def pressed(self, digit: str) -> None:
        """The caller pressed a key: that ends a quiet too."""
        self._quiet_since = None
        self._model.pressed(digit, self._session.config)

    def begun(self, response: Response, now: float) -> None:
        """A response begins."""
        if not response.options.is_out_of_band:
            self._latest, self._latest_at = response, now

    def handle_timer(self, now: float) -> None:
        """Time has come to `deadline`, or has not."""
        if self.deadline is not None and now >= self.deadline and self._quiet_since is not None:
            self._model.waited(now - self._quiet_since, self._session.config)
            self._quiet_since = now

    # Output

    def begin(self, now: float) -> bool:
        """Let the model begin a response if it wants to and can. Whatever the answer, `deadline` is right again."""
        can = self._is_open and self._session.active is None and self._session.config.type == "realtime"
        wants = can and self._model.wants_to_speak()
        if wants:
            self._session.begin_unasked()
        self._watch(now)
        return wants

    # Private

    def _open(self) -> None:
        if not self._is_open:
            self._is_open = True
            self._model.opened(self._session.config)

    def _watch(self, now: float) -> None:
        latest, session, before = self._latest, self._session, self._quiet_since
        has_ended = latest is not None and not latest.is_active
        if latest is not None and has_ended:
            self._latest = self._quiet_since = None
            if latest.status == "cancelled":
                self._played_until = now
            elif not self._has_media:
                self._played_until = max(self._played_until, self._latest_at) + latest.audio_samples / SAMPLE_RATE
        if session.active is not None or session.input.is_speaking or (self._has_media and session.output.is_playing):
            self._quiet_since = None
        elif self._is_open and self._quiet_since is None:
            self._quiet_since = max(now, self._played_until)
        if self._quiet_since == before and session.config is self._config and not has_ended:
            return  # once for each 20 ms of every call: a model is asked again only where its answer may be another
        self._config = session.config
        patience = None if self._quiet_since is None else self._model.patience(session.config)
        self.deadline = None if patience is None or self._quiet_since is None else self._quiet_since + patience
