"""Time that stands still between requests: `ringback serve --clock manual`."""

import contextlib
from collections.abc import Callable, Iterator

from ..testing.virtual_loop import VirtualLoop


class ManualTime:
    """A loop whose time passes as it really does while somebody waits for something, jumps while somebody lets it, and
    stands still else. The application is another process: no jump may overtake what it is about to do."""

    def __init__(self) -> None:
        self.loop = VirtualLoop(self._is_held, counts_waits=True)
        self.has_webhook_out: Callable[[], bool] = lambda: False
        self._jumpers = 0
        self._stands = False
        self.loop.movers = 1  # until every listener is up

    def stand(self) -> None:
        """From now on, time needs a reason to pass."""
        if not self._stands:
            self._stands = True
            self.loop.movers -= 1

    def pass_again(self) -> None:
        """The end: whatever is left goes on as it really does."""
        if self._stands:
            self._stands = False
            self.loop.movers += 1

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Somebody waits."""
        self.loop.movers += 1
        try:
            yield
        finally:
            self.loop.movers -= 1

    @contextlib.contextmanager
    def jumping(self) -> Iterator[None]:
        """Somebody lets time pass. It does not while a webhook is in the application's hands."""
        self._jumpers += 1
        try:
            with self.passing():
                yield
        finally:
            self._jumpers -= 1

    def _is_held(self) -> bool:
        return not self._jumpers or self.has_webhook_out()
