"""A command in a process group of its own: signals go to the group, and when it has ended, nothing of it stays.

Linux also lets us adopt what the command's processes leave behind, so that daemons which left the group are found too.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
FINAL = (signal.SIGTERM, signal.SIGHUP)
"""Signals after which whoever sent them will not wait for long: the group gets the grace period, then SIGKILL."""
GRACE = 5.0
_POLL = 0.02
_KILL_TIMEOUT = 2.0
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

_Handler = signal.Handlers | int | None


class CommandNotStarted(UsageError):
    """The command can't be run; `status` is what a shell would exit with."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Child:
    """One run of one command. It inherits stdin, stdout, stderr, and the terminal if we have it in the foreground.

    Only the main thread can run it: it takes over the signals.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, grace: float = GRACE) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._grace = grace
        self._process: asyncio.subprocess.Process | None = None
        self._early: list[signal.Signals] = []
        self._kill_later: asyncio.TimerHandle | None = None
        self._terminal = _Terminal()

    async def run(self) -> int:
        """Run the command to its end and return its exit status, 128 + n if signal n ended it.

        Whatever it leaves running gets SIGTERM, and SIGKILL after the grace period. Raises `CommandNotStarted`.
        """
        others = {process.pid for process in processes() if process.parent == os.getpid()}
        with _adopting_orphans(), self._forwarding():
            self._process = await self._start()
            group = self._process.pid
            try:
                self._terminal.give_to(group)
                for number in self._early:
                    self._forward(number)
                status = await self._process.wait()
            finally:
                if self._kill_later is not None:
                    self._kill_later.cancel()
                self._terminal.take_back()
                await self._end_remainder(group, others)
        return 128 - status if status < 0 else status

    async def _start(self) -> asyncio.subprocess.Process:
        name = self._command[0]
        try:
            return await asyncio.create_subprocess_exec(*self._command, env=self._environment, process_group=0)
        except FileNotFoundError as error:
            raise CommandNotStarted(f"{name}: command not found", status=127) from error
        except OSError as error:
            raise CommandNotStarted(f"{name}: {error.strerror or error}", status=126) from error

    # Signals

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # What nohup or a shell had us ignore the command ignores too.
        numbers = [number for number in FORWARDED if signal.getsignal(number) is not signal.SIG_IGN]
        before: dict[signal.Signals, _Handler | object] = {}
        for number in numbers:
            before[number] = signal.getsignal(number)
            loop.add_signal_handler(number, self._forward, number)
        if self._terminal.is_ours:
            before[signal.SIGCHLD] = signal.getsignal(signal.SIGCHLD)
            loop.add_signal_handler(signal.SIGCHLD, self._follow_stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)  # type: ignore[arg-type]

    def _forward(self, number: signal.Signals) -> None:
        if self._process is None:
            self._early.append(number)
            return
        _signal_group(self._process.pid, number)
        if number in FINAL and self._kill_later is None:
            loop = asyncio.get_running_loop()
            self._kill_later = loop.call_later(self._grace, _signal_group, self._process.pid, signal.SIGKILL)

    def _follow_stop(self) -> None:
        """Ctrl-Z stopped the command: stop too, so that the shell gets the terminal, and go on together with it."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ChildProcessError):
            if os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOHANG) is None:
                return
            self._terminal.take_back()
            os.kill(0, signal.SIGTSTP)
            self._terminal.give_to(self._process.pid)

    # The end

    async def _end_remainder(self, group: int, others: set[int]) -> None:
        loop = asyncio.get_running_loop()
        for number, patience in ((signal.SIGTERM, self._grace), (signal.SIGKILL, _KILL_TIMEOUT)):
            told: set[int] = set()
            give_up = loop.time() + patience
            while remainder := _remainder(group, others):
                for pid in remainder - told:  # some are born while others die
                    _signal(pid, number)
                    _signal(pid, signal.SIGCONT)  # a stopped process takes no other signal than SIGKILL
                told |= remainder
                if loop.time() >= give_up:
                    break
                await asyncio.sleep(_POLL)
            else:
                return


class _Terminal:
    """The controlling terminal, if our process group has it: the command's group must get it to read from it."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            descriptor = sys.stdin.fileno()
            if os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp():
                self._descriptor = descriptor

    @property
    def is_ours(self) -> bool:
        return self._descriptor is not None

    def give_to(self, group: int) -> None:
        """Put `group` in the foreground if we are there, and wake it: it may have read too early and been stopped."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            if os.tcgetpgrp(self._descriptor) == os.getpgrp():
                self._set(group)
        _signal_group(group, signal.SIGCONT)

    def take_back(self) -> None:
        self._set(os.getpgrp())

    def _set(self, group: int) -> None:
        if self._descriptor is None:
            return
        # A background group that does this gets SIGTTOU, which would stop us, unless it is blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with contextlib.suppress(OSError):
                os.tcsetpgrp(self._descriptor, group)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


# Processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One line of /proc: its ids and whether it is a zombie, which runs no more."""

    pid: int
    parent: int
    group: int
    is_zombie: bool


def processes() -> list[Process]:
    """Every process of this machine; none where there is no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # proc(5): pid (name) state ppid pgrp …; the name may hold spaces and brackets.
            state, parent, group = entry.read_text(errors="replace").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        found.append(Process(pid=int(entry.parent.name), parent=int(parent), group=int(group), is_zombie=state in "ZX"))
    return found


def _remainder(group: int, others: set[int]) -> set[int]:
    """Who of the command's processes still runs: its group, and what was adopted by us with all its descendants."""
    table = processes()
    if not table:
        return {-group} if _group_exists(group) else set()
    children: dict[int, list[Process]] = {}
    for process in table:
        children.setdefault(process.parent, []).append(process)
    found = {process.pid: process for process in table if process.group == group}
    waiting = [process for process in children.get(os.getpid(), []) if process.pid not in others]
    while waiting:
        process = waiting.pop()
        found[process.pid] = process
        waiting += children.get(process.pid, [])
    for process in found.values():
        # The command itself is waited for elsewhere.
        if process.is_zombie and process.parent == os.getpid() and process.pid != group:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
    return {process.pid for process in found.values() if not process.is_zombie}


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or somebody else's by sudo
        os.kill(pid, number)


@contextlib.contextmanager
def _adopting_orphans() -> Iterator[None]:
    """On Linux, processes whose parent has ended become our children, not those of process 1."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
