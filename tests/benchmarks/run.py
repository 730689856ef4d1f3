"""Every benchmark whose result is in `docs/benchmarks.md`: `python tests/benchmarks/run.py --write [--only PART …]`.

A quarter of an hour or so, on a machine that does nothing else; the page says what the load was. Each part is written
as it ends, so that a run that is cut short, or one of some parts, leaves the others as they were. For all rows, install
`aiosipua` and `ringback[fast]` too; what is not there is not in the table.
"""

import argparse
import asyncio
import os
import re
import timeit
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import bench_call
import bench_calls
import bench_pytest
import bench_realtime
import bench_rivals
import bench_signalling
import bench_sip_parse
import bench_start
import bench_webrtc
import sipmessage
from bench_signalling import Case, Load
from machine import RUNS, describe, spread

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
READINGS = 2000
Row = tuple[str, float, float, float]

INTRODUCTION = f"""\
Made by `python tests/benchmarks/run.py --write`; no test compares, for a figure is not a verdict. Medians, of {RUNS}
runs where nothing else is said. Shared machines are noisy, and the ratios hold better than the figures: each part says
what the machine was worth just then, by what sipmessage, another library's parser, took for one INVITE. It was 17.6 µs
on the machine on which the targets were set.
"""
SESSION_TARGETS = {
    "heard-20ms": ("≥ 500", "sound heard in appends of 20 ms, with turn detection"),
    "heard-100ms": ("≥ 1,000", "the same in appends of 100 ms"),
    "append-20ms": ("", "the same over a WebSocket, 20 ms"),
    "append-100ms": ("", "the same over a WebSocket, 100 ms"),
    "events-1-cpu": ("≥ 20,000", "events in a second of the server's processor time, one session"),
    "events-50-cpu": ("", "the same, 50 sessions"),
    "first-delta": ("", "from `response.create` to the first delta"),
    "connect": ("", "a connection with its `session.update`"),
    "connect-memory": ("", "memory of a connection"),
    "turn-1000": ("1", "turn 1,000 of a session"),
}
"""Rows of `bench_realtime`."""
ELSEWHERE = """\
Measured elsewhere and at another time, on an idle machine of the same kind, with the same scenario, and not by this
run:

| UAS | UDP | TCP | TLS | CPU ms/call |
|---|---|---|---|---|
| Kamailio 486, stateless / tm | ≥ 15,000 / 10,000 | – | – | |
| a 120-line asyncio prototype with transactions, dialogs, SDP | 6,750 | 6,750 | 4,500 | 0.10 |
| pjsua2 2.17 (C, Python callbacks) | 1,012 | – | – | 0.53 |
| sippy 2.5.0 (Python) | ~450 | – | – | 1.7 |
"""
PROFILE = """\
**Signalling.** One call, its sockets left out, is 1.56 million instructions (valgrind; 1.84 before an offer was chosen
from in one pass, From and To were read once for a dialog, and deadlines were compared in C): 230 µs of processor time
where sipmessage takes 14 for its INVITE; the system's part, with sockets, is another 40 to 60 µs. Each timed alone,
best of 12 runs, in µs: reading the INVITE 14.4, ACK and BYE 11.9 each, the SDP 7.8, choosing from the offer 8.4,
writing the answer 3.5, each of four responses 2.9 to 4.4 and its bytes 1.0, each of seven journal entries 1.2; arming,
moving and cancelling its three timers 5.4, at 3,000 calls a second and 190,000 timers. Of samples taken of the whole
(py-spy), reading has 23 %, the SDP 17 %, responses 11 %, the journal 6 %, all timers and deadlines 5 %; no function has
more than 6 % to itself, and what is left is transactions and dialogs, each with its table and its checks. A target that
a table above misses is missed for that reason: no part stands out, and it is Python that runs. The next step is to
write the 100, 180 and 200 of an INVITE from one text instead of from lists of fields; the one after it to compile
`sip/parser`, `sip/headers` and `sip/message` with mypyc, which changes no line of them.

**Auto-accept.** Of the samples of the emulator at 300 calls a second, SIP and the control of calls have 40 %, the two
RTP sockets with their stream, from binding them to the RTCP BYE, 21 %, the greeting (a response with its events, and
their journal) 15 %, opening the session 11 %. One call is 3.83 million instructions; it was 4.95 before ids
were drawn many at a time, models were asked for their class instead of by protocol, and the tonecode receiver was made
when there is something to hear. The next step is to make the session's other parts when they are first used: most of
these calls end before a word is said.

**Events.** A delta of a text response without a pace is 42,900 instructions of the server (valgrind), 5 to 8 µs by how
busy the machine is; it was 26 to 30 µs, most of it for a system call, a JSON encoder and two draws of the system's
random source for each event. What is due together now leaves in one write, so the kernel has 6 % of the samples (perf)
and msgspec's JSON 4 %; the rest is Python, 446 instructions of its own: a third to make the event with its id and
padding, a tenth to hand it over, a third to have its JSON and to journal it, a fifth to queue and to frame it. uvloop
changes little. The next step is to hand over the deltas of one message as one effect, where no pace lies between them.

**Sound.** 20 ms of a call, both ways, with turn detection and all of its session, are 54 µs, of which more than half
is the kernel's `sendto`; uvloop has no part in that.

Calls that end in every way, cut off ones too, leave nothing behind: `python tests/benchmarks/soak.py` places 10,000
in a row and 200 at once with sound, and fails for a call, task, socket or journal entry that is left, or memory
that grows. `PYTHONPATH=tests python -m fuzz --minutes 10` damages everything that is read.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the page. `make` measures, and gives its lines."""

    name: str
    title: str
    make: Callable[[], list[str]]


def start() -> list[str]:
    targets = {"`ringback serve`, process start to ready": "≤ 500 ms"}
    calls = bench_call.rows()
    return [
        *_table([*bench_start.rows(), *calls], "ms", targets | {name: "≤ 50 ms" for name, *_ in calls}),
        "",
        "A whole call is INVITE, webhook, `accept` by the official SDK, 200, ACK, BYE, 200; phone, application and",
        "emulator share one process and one loop.",
    ]


def parse() -> list[str]:
    return [
        f"13 headers and SDP, from {bench_sip_parse.DISTINCT:,} callers.",
        "",
        *_table(bench_sip_parse.rows(), "µs", bench_sip_parse.TARGETS),
    ]


def calls() -> list[str]:
    found = [(case, bench_signalling.highest(case)) for case in bench_signalling.possible(bench_signalling.CASES)]
    others = [(case, bench_signalling.highest(case)) for case in bench_signalling.possible(bench_signalling.OTHERS)]
    wanted = [(case, bench_signalling.median_of(case, case.target)) for case, _ in found if case.target is not None]
    return [
        "INVITE–180–200–ACK–BYE–200 by SIPp on core 1, server on core 0: the highest rate at which at least 95 % of it",
        f"is done, no call fails, and p99 from INVITE to 200 is below 100 ms, as the median of {bench_signalling.RUNS}",
        "runs. Every timer of RFC 3261, dialogs, offer/answer and the journal are on.",
        "",
        "| load | calls/s | target | p50 | p99 | server's CPU ms/call |",
        "|---|---|---|---|---|---|",
        *(_load(case, load, f"≥ {case.target:,}" if case.target else "") for case, load in found),
        "",
        "At the rates of the targets:",
        "",
        "| load | calls/s asked | done | p50 | p99 | target of p99 |",
        "|---|---|---|---|---|---|",
        *(
            f"| {case.says} | {load.rate:,} | {load.done:,.0f} | {load.p50:.0f} ms | {load.p99:.0f} ms "
            f"| {f'≤ {case.slowest_p99} ms' if case.slowest_p99 else ''} |"
            for case, load in wanted
        ),
        "",
        "Others, by the same search in the same run:",
        "",
        "| UAS | calls/s | | p50 | p99 | server's CPU ms/call |",
        "|---|---|---|---|---|---|",
        *(_load(case, load, "") for case, load in others),
        "",
        *ELSEWHERE.splitlines(),
    ]


def media() -> list[str]:
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {1})
    try:
        idle = bench_calls.memory_of_idle_call()
        found = {kind: bench_calls.highest(kind) for kind in bench_calls.kinds()}
    finally:
        os.sched_setaffinity(0, everywhere)
    active = found["asyncio"]
    seconds = active.calls / bench_calls.ARRIVALS + bench_calls.SECONDS + 4
    return [
        "Complete calls by G.711, all speaking and listening, with turn detection on, the server on one core. The most",
        "at which p99 of the gaps between its packets is below 40 ms and none is lost, in steps of a quarter.",
        "",
        "| loop | calls at once | target | gap p50 | p99 | longest | of a core |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {kind} | {each.calls if each.holds else f'< {each.calls}'} | {bench_calls.TARGETS[kind]} "
            f"| {1000 * each.median:.1f} ms | {1000 * each.p99:.1f} ms | {1000 * each.longest:.0f} ms "
            f"| {each.share:.2f} |"
            for kind, each in found.items()
        ),
        "",
        f"A call that is answered, and silent, takes {idle / 1024:.0f} KiB of memory; one with sound both ways, and",
        f"{seconds:.0f} s of speech that it has yet to play, {active.memory / 1024:.0f} KiB.",
    ]


def sessions() -> list[str]:
    rows = asyncio.run(bench_realtime.rows(list(SESSION_TARGETS)))
    rivals = asyncio.run(bench_rivals.rows())
    return [
        "| what | median | smallest to largest | target |",
        "|---|---|---|---|",
        *(
            f"| {SESSION_TARGETS[name][1]} | {median:,.1f} {unit} | {low:,.1f} to {high:,.1f} "
            f"| {SESSION_TARGETS[name][0]} |"
            for name, unit, (low, median, high) in rows
        ),
        "",
        "Events a second of text responses, a delta for each word, beside others in the same run; the targets are",
        "20,000 with one session, and with 50 twice what aimock does. The echo sends back what it gets, a message for",
        "each word. Client and server share two cores with whatever else runs; processor time is the fairer measure.",
        "",
        "| server | sessions | events/s | smallest to largest | in a second of the server's processor time |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {count} | {median:,.0f} | {low:,.0f} to {high:,.0f} | {cpu:,.0f} |"
            for name, count, (low, median, high), (_, cpu, _) in rivals
        ),
    ]


def webrtc() -> list[str]:
    found = bench_webrtc.measure()
    least, median, most = (1000 * value for value in found.connected)
    return [
        f"aiortc at both ends, {found.calls} calls at once that speak all the time, the server on one core.",
        "",
        "| what | median | | target |",
        "|---|---|---|---|",
        f"| POST of the offer to connected | {median:.0f} ms | {least:.0f} to {most:.0f} ms | ≤ 60 ms |",
        f"| gap between packets | {1000 * found.median:.1f} ms | p99 {1000 * found.p99:.1f} ms, longest "
        f"{1000 * found.longest:.0f} ms | p99 ≤ 60 ms |",
        f"| of the core | {found.share:.2f} | | |",
    ]


def fixtures() -> list[str]:
    return _table(bench_pytest.rows(), "ms", bench_pytest.TARGETS)


PARTS = [
    Part("start", "Start, and one call", start),
    Part("parse", "Reading one INVITE", parse),
    Part("calls", "Calls per second", calls),
    Part("media", "Calls at once", media),
    Part("sessions", "Sessions over WebSockets", sessions),
    Part("webrtc", "WebRTC", webrtc),
    Part("pytest", "The pytest plugin", fixtures),
]


def speed() -> float:
    """Microseconds that another library's parser takes for one INVITE: what this machine is worth just now."""
    data = bench_sip_parse.INVITE
    return spread(
        [value / READINGS * 1e6 for value in timeit.repeat(lambda: sipmessage.Message.parse(data), number=READINGS)]
    )[1]


def section(part: Part) -> str:
    machine, worth = describe(), speed()
    lines = part.make()
    return "\n".join([f"On {machine}; sipmessage {worth:.1f} µs.", "", *lines])


def read(page: str) -> dict[str, str]:
    """The sections of a page, by their titles."""
    _, *pieces = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
    return dict(zip(pieces[::2], (text.strip() for text in pieces[1::2]), strict=True))


def write(sections: dict[str, str]) -> str:
    """The page, with its parts in their order; of other sections nothing stays."""
    kept = [(part.title, sections[part.title]) for part in PARTS if part.title in sections]
    kept.append(("What the figures are made of", PROFILE.strip()))
    return "\n".join(["# Benchmarks", "", INTRODUCTION, *(f"## {title}\n\n{text}\n" for title, text in kept)])


def _table(rows: Iterable[Row], unit: str, targets: dict[str, str]) -> list[str]:
    return [
        "| what | median | smallest to largest | target |",
        "|---|---|---|---|",
        *(
            f"| {name} | {median:.1f} {unit} | {low:.1f} to {high:.1f} {unit} | {targets.get(name, '')} |"
            for name, low, median, high in rows
        ),
    ]


def _load(case: Case, load: Load, target: str) -> str:
    rate = f"{load.rate:,}" if load.holds else f"< {load.rate:,}"
    return f"| {case.says} | {rate} | {target} | {load.p50:.0f} ms | {load.p99:.0f} ms | {load.cpu_ms:.2f} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help=f"into {PAGE.name}, as each part ends")
    options.add_argument("--only", action="append", choices=[part.name for part in PARTS], help="one part, repeatable")
    given = options.parse_args()
    for part in PARTS:
        if given.only is None or part.name in given.only:
            text = section(part)
            print(f"## {part.title}\n\n{text}\n", flush=True)
            if given.write:
                PAGE.write_text(write(read(PAGE.read_text(encoding="utf-8")) | {part.title: text}), encoding="utf-8")


if __name__ == "__main__":
    main()
