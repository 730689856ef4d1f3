"""A command under `ringback exec`: its status, its signals, its terminal, and that nothing of it stays."""

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ringback.emulator.transports.child import Child, CommandNotStarted, processes

RUNNER = """
import asyncio, os, sys
from ringback.emulator.transports.child import Child
sys.exit(asyncio.run(Child(sys.argv[2:], os.environ, grace=float(sys.argv[1])).run()))
"""
# It and its own child say which signal they get, and go on. They wait for signals rather than handle them: Python would
# run a handler only after the system call that the signal came just too early to interrupt.
LOUD = """
import os, signal
numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
child = os.fork()
os.write(1, f"ready {os.getpid()}\\n".encode())
while True:
    number = signal.sigwait(numbers)
    os.write(1, f"{'parent' if child else 'child'} {number.value}\\n".encode())
"""


def start(*command: str, grace: float = 30.0, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(grace), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def line(runner: subprocess.Popen[str]) -> str:
    assert runner.stdout is not None
    return runner.stdout.readline().strip()


def status_of(*command: str) -> int:
    with start(*command) as runner:
        return runner.wait()


def exists(pid: int) -> bool:
    return any(process.pid == pid and not process.is_zombie for process in processes())


@pytest.fixture
def loud() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A runner whose command takes every signal, and the command's process group."""
    with start(sys.executable, "-c", LOUD) as runner:
        groups = {os.getpgid(int(line(runner).removeprefix("ready "))) for _ in range(2)}
        assert len(groups) == 1
        group = groups.pop()
        yield runner, group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_runner_exits_with_commands_status(status: int) -> None:
    assert status_of("sh", "-c", f"exit {status}") == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_runner_exits_as_a_shell_does_when_signal_ended_command(number: int) -> None:
    assert status_of("sh", "-c", f"kill -{number} $$") == 128 + number


async def test_user_learns_that_command_does_not_exist() -> None:
    with pytest.raises(CommandNotStarted, match="no-such-command: command not found") as caught:
        await Child(["no-such-command"], os.environ).run()
    assert caught.value.status == 127


async def test_user_learns_that_file_is_not_executable(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("text")
    with pytest.raises(CommandNotStarted, match="Permission denied") as caught:
        await Child([str(file)], os.environ).run()
    assert caught.value.status == 126


def test_command_leads_a_process_group_of_its_own() -> None:
    with start(sys.executable, "-c", "import os; print(os.getpid(), os.getpgrp(), os.getppid())") as runner:
        pid, group, parent = map(int, line(runner).split())
        assert pid == group
        assert parent == runner.pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1])
def test_signal_reaches_whole_group(loud: tuple[subprocess.Popen[str], int], number: signal.Signals) -> None:
    runner, group = loud
    runner.send_signal(number)
    assert sorted((line(runner), line(runner))) == [f"child {number.value}", f"parent {number.value}"]
    os.killpg(group, signal.SIGKILL)
    assert runner.wait() == 128 + signal.SIGKILL


def test_group_is_killed_when_it_outlasts_sigterm() -> None:
    with start(sys.executable, "-c", LOUD, grace=0.1) as runner:
        pids = [int(line(runner).removeprefix("ready ")) for _ in range(2)]
        runner.terminate()
        assert runner.wait() == 128 + signal.SIGKILL
        assert not any(map(exists, pids))


def test_command_ignores_signal_that_its_runner_was_told_to_ignore() -> None:
    # As under nohup.
    code = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True); input()"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        runner = subprocess.Popen(
            [sys.executable, "-c", RUNNER, "1", sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    with runner:
        assert line(runner) == "True"
        runner.send_signal(signal.SIGHUP)
        assert runner.stdin is not None
        runner.stdin.write("\n")
        runner.stdin.flush()
        assert runner.wait() == 0


def test_nothing_runs_on_when_command_leaves_processes_behind() -> None:
    with start("sh", "-c", "sleep 1000 >&2 & sleep 1000 >&2 & echo $! $$; exit 3") as runner:
        left, group = map(int, line(runner).split())
        assert runner.wait() == 3
    assert not exists(left)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_nothing_runs_on_when_left_process_ignores_sigterm() -> None:
    with start("sh", "-c", "trap '' TERM; sleep 1000 >&2 & echo $$", grace=0.1) as runner:
        group = int(line(runner))
        assert runner.wait() == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
def test_nothing_runs_on_when_left_process_is_a_daemon() -> None:
    code = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
os.execvp("sh", ["sh", "-c", "sleep 1000 >&2; :"])
"""
    with start("sh", "-c", '"$0" -c "$1" | head -n 1', sys.executable, code) as runner:
        daemon = int(line(runner))
        assert runner.wait() == 0
    assert not exists(daemon)


def test_nothing_runs_on_when_left_process_is_stopped() -> None:
    with start("sh", "-c", "sleep 1000 >&2 & kill -STOP $!; echo $!") as runner:
        left = int(line(runner))
        assert runner.wait() == 0
    assert not exists(left)


async def test_command_ends_when_its_run_is_cancelled(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    before = signal.getsignal(signal.SIGTERM)
    run = asyncio.create_task(Child(["sh", "-c", f"echo $$ > {fifo}; sleep 1000"], os.environ).run())
    group = int(await asyncio.to_thread(fifo.read_text))
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not exists(group)
    assert signal.getsignal(signal.SIGTERM) is before


class Shell:
    """A shell in a pseudo-terminal, as a user has it."""

    def __init__(self) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "$ "
            os.environ["RUNNER"] = RUNNER
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def expect(self, text: str) -> None:
        """Read until `text` came; what came before it is forgotten."""
        while text not in self.seen:
            self.seen += os.read(self.terminal, 4096).decode()
        self.seen = self.seen.partition(text)[2]

    def close(self) -> None:
        os.close(self.terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell()
    yield shell
    shell.close()


def run_in(shell: Shell, code: str, *, after: str = "") -> None:
    shell.type(f"{sys.executable} -c \"$RUNNER\" 5 {sys.executable} -c '{code}'{after}\n")


def test_command_reads_from_terminal(shell: Shell) -> None:
    run_in(shell, 'print("read", input("a""sk ")[::-1])', after="; echo status $?")
    shell.expect("ask ")
    shell.type("olleh\n")
    shell.expect("read hello")
    shell.expect("status 0")
    shell.type("echo sh''ell\n")
    shell.expect("shell")


def test_ctrl_c_reaches_command(shell: Shell) -> None:
    shell.type(f"{sys.executable} -c \"$RUNNER\" 5 sh -c 'echo rea''dy; exec sleep 1000'; echo status $?\n")
    shell.expect("ready")
    shell.type("\x03")
    shell.expect("status 130")


def test_ctrl_z_stops_command_until_shell_goes_on(shell: Shell) -> None:
    run_in(shell, 'print("read", input("a""sk ")[::-1])')
    shell.expect("ask ")
    shell.type("\x1a")
    shell.expect("Stopped")
    shell.type("echo sh''ell; fg; echo status $?\n")
    shell.expect("shell")
    shell.type("olleh\n")
    shell.expect("read hello")
    shell.expect("status 0")
