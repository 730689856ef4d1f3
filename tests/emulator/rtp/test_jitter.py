"""`rtp.jitter`: whatever the network does to the packets, a frame leaves each tick, and the right one if it can."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.audio.samples import Samples
from ringback.emulator.rtp.jitter import JitterBuffer

COUNTER = (np.arange(8000 * 30) % 30000 + 1).astype(np.int16)
"""A sound of which every sample says where it belongs; never zero within its first 30000 samples."""


class Line:
    """A clock of whole milliseconds: packets arrive when the test says, and a tick is every 20 ms at `phase`."""

    def __init__(self, *, first: int = 1000, phase: int = 7, **arguments: int) -> None:
        self.buffer = JitterBuffer(**arguments)
        self.first = first
        self.phase = phase
        self.heard: list[Samples | None] = []
        self.now = 0

    def run(self, arrivals: Iterable[tuple[int, int, int]], until: int) -> None:
        """`(ms of arrival, ms of its sound, length in ms)` of each packet; sound begins at timestamp `first`."""
        queue = sorted(arrivals, key=lambda arrival: arrival[0])
        highest = -1
        while self.now < until:
            while queue and queue[0][0] <= self.now:
                _, at, length = queue.pop(0)
                sound = COUNTER[at * 8 : (at + length) * 8]
                self.buffer.put((self.first + at * 8) & 0xFFFFFFFF, sound, in_order=at > highest)
                highest = max(highest, at)
            if self.now % 20 == self.phase:
                self.heard.append(self.buffer.get())
            self.now += 1

    @property
    def sound(self) -> Samples:
        return np.concatenate([frame for frame in self.heard if frame is not None])

    @property
    def delay(self) -> int:
        """How many ticks passed before there was a frame."""
        return next(index for index, frame in enumerate(self.heard) if frame is not None)


def packets(count: int, length: int = 20, *, start: int = 0, late: int = 0) -> list[tuple[int, int, int]]:
    return [(start + index * length + late, start + index * length, length) for index in range(count)]


def exactly(line: Line, milliseconds: int) -> bool:
    return np.array_equal(line.sound[: milliseconds * 8], COUNTER[: milliseconds * 8])


def test_listener_hears_nothing_before_the_first_packet() -> None:
    line = Line()
    line.run([], until=200)
    assert line.heard == [None] * 10
    assert line.buffer.concealed == 0


@pytest.mark.parametrize("length", [10, 20, 30, 40, 50, 60])
@pytest.mark.parametrize("first", [0, 1000, 0xFFFFFF00])
def test_listener_hears_packets_of_any_length_as_they_were_sent(length: int, first: int) -> None:
    line = Line(first=first)
    line.run(packets(2400 // length, length), until=2400)
    assert line.delay == 2  # 40 ms
    assert exactly(line, 2300)
    assert (line.buffer.concealed, line.buffer.late, line.buffer.skipped, line.buffer.resets) == (0, 0, 0, 0)


def test_target_is_the_delay() -> None:
    line = Line(target_ms=100)
    line.run(packets(50), until=1000)
    assert line.delay == 5
    assert exactly(line, 800)


@given(st.lists(st.integers(0, 30), min_size=30, max_size=30), st.sampled_from([10, 20, 30]), st.integers(0, 19))
def test_listener_hears_all_of_a_stream_that_is_late_by_less_than_the_target(
    jitter: list[int], length: int, phase: int
) -> None:
    # A packet that begins within a frame is needed when the frame begins: 10 ms earlier than its own time.
    line = Line(phase=phase)
    arrivals = [(at + late, sound, ms) for (at, sound, ms), late in zip(packets(30, length), jitter, strict=True)]
    line.run([(0, 0, length), *arrivals[1:]], until=30 * length)
    assert exactly(line, len(line.sound) // 8)
    assert line.buffer.late == 0


def test_listener_hears_packets_in_order_when_the_first_two_are_swapped() -> None:
    line = Line()
    line.run([(0, 20, 20), (1, 0, 20), *packets(40)[2:]], until=800)
    assert exactly(line, 700)


def test_lost_packet_is_concealed_and_the_rest_keeps_its_time() -> None:
    line = Line()
    line.run([packet for packet in packets(50) if packet[1] not in (400, 440)], until=1000)
    sound = line.sound
    assert exactly(line, 400)
    assert np.array_equal(sound[424 * 8 : 440 * 8], COUNTER[424 * 8 : 440 * 8])
    assert np.array_equal(sound[464 * 8 : 900 * 8], COUNTER[464 * 8 : 900 * 8])
    assert np.any(sound[400 * 8 : 420 * 8])
    assert line.buffer.concealed == 2


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 20, 60])
def test_burst_of_losses_leaves_the_rest_in_its_time(lost: int) -> None:
    line = Line()
    line.run([packet for packet in packets(150) if not 400 <= packet[1] < 400 + 20 * lost], until=3000)
    resumed = 400 + 20 * lost
    assert exactly(line, 400)
    assert np.array_equal(line.sound[(resumed + 3) * 8 : 2900 * 8], COUNTER[(resumed + 3) * 8 : 2900 * 8])
    assert line.buffer.concealed == min(lost, 3)
    if lost > 3:
        assert not np.any(line.sound[470 * 8 : resumed * 8])


def test_packet_that_comes_too_late_is_counted() -> None:
    line = Line()
    line.run([(packet[0] + (90 if packet[1] == 400 else 0), *packet[1:]) for packet in packets(50)], until=1000)
    assert line.buffer.late == 1
    assert line.buffer.concealed == 1
    assert np.array_equal(line.sound[424 * 8 : 900 * 8], COUNTER[424 * 8 : 900 * 8])


def test_duplicate_sound_changes_nothing() -> None:
    line = Line()
    line.run([*packets(50), *packets(50), (300, 280, 40)], until=1000)
    assert exactly(line, 900)


def test_packet_within_another_changes_nothing() -> None:
    line = Line()
    line.run([(0, 0, 40), (1, 10, 10), *packets(20, start=40)], until=400)
    assert exactly(line, 300)


def test_silence_of_the_sender_keeps_its_timing() -> None:
    line = Line()
    line.run([*packets(10), *packets(20, start=2000)], until=2500)
    assert exactly(line, 200)
    assert np.array_equal(line.sound[2003 * 8 : 2400 * 8], COUNTER[2003 * 8 : 2400 * 8])
    assert not np.any(line.sound[270 * 8 : 2000 * 8])
    assert line.buffer.resets == 0


def test_silence_without_progress_of_the_timestamps_begins_a_new_timeline() -> None:
    line = Line()
    line.run([*packets(10), *[(at + 5000, at, 20) for at in range(200, 1200, 20)]], until=6000)
    assert line.buffer.resets == 1
    assert np.array_equal(line.sound[5203 * 8 : 5900 * 8], COUNTER[203 * 8 : 900 * 8])


def test_stream_that_becomes_late_waits_anew_and_loses_nothing() -> None:
    line = Line()
    line.run([*packets(20), *[(at + 100, at, 20) for _, at, _ in packets(60, start=400)]], until=1600)
    heard = line.sound
    # 7 ms of phase and 40 ms of target: the hundred milliseconds were filled, then everything follows.
    (begin,) = np.flatnonzero(heard == COUNTER[403 * 8])
    assert np.array_equal(heard[begin : begin + 800 * 8], COUNTER[403 * 8 : 1203 * 8])
    assert line.buffer.late == 0


def test_stall_that_ends_in_a_burst_is_worked_off() -> None:
    line = Line()
    stalled = [(max(at, 700), at, 20) if at >= 400 else (at, at, 20) for at in range(0, 6000, 20)]
    line.run(stalled, until=6000)
    assert line.buffer.skipped > 0
    assert line.buffer.resets == 0
    last = line.heard[-1]
    assert last is not None
    assert 6000 - (30000 + int(last[-1])) // 8 <= 120


def test_fast_sender_is_followed_by_skipping_a_frame_now_and_then() -> None:
    line = Line()
    fast = [(round(at * 0.99), at, 20) for at in range(0, 25000, 20)]
    line.run(fast, until=24000)
    assert 8 <= line.buffer.skipped <= 13  # 240 ms ahead after 24 s
    assert line.buffer.concealed == 0


def test_slow_sender_is_followed_by_concealing_now_and_then() -> None:
    line = Line()
    slow = [(round(at * 1.01), at, 20) for at in range(0, 20000, 20)]
    line.run(slow, until=20000)
    assert 0 < line.buffer.concealed <= 20
    assert line.buffer.late == 0


def test_flood_is_bounded() -> None:
    line = Line(limit_ms=200)
    line.run([(0, at, 20) for at in range(0, 20000, 20)], until=200)
    assert line.buffer.skipped >= 900
    assert int(line.sound[0]) >= 1000


@pytest.mark.parametrize("jump", [9000, 2**31, -9000])
def test_timestamps_that_jump_begin_a_new_timeline(jump: int) -> None:
    buffer = JitterBuffer()
    heard = []
    for index in range(40):
        timestamp = 100_000 + 160 * index + (jump if index >= 20 else 0)
        buffer.put(timestamp & 0xFFFFFFFF, COUNTER[index * 160 : index * 160 + 160])
        heard.append(buffer.get())
    assert buffer.resets == 1
    last = heard[-1]
    assert last is not None
    assert int(last[0]) == 37 * 160 + 1


def test_timestamps_that_step_back_begin_a_new_timeline() -> None:
    buffer = JitterBuffer()
    for index in range(20):
        buffer.put(1000 + 160 * index, COUNTER[index * 160 : index * 160 + 160])
        buffer.get()
    buffer.put(1000, COUNTER[:160])
    assert buffer.resets == 1


def test_restart_forgets_and_conceals_until_the_next_source_is_heard() -> None:
    buffer = JitterBuffer()
    for index in range(20):
        buffer.put(160 * index, COUNTER[index * 160 : index * 160 + 160])
        buffer.get()
    buffer.restart()
    frames = [buffer.get()]
    for index in range(10):
        buffer.put(0x80000000 + 160 * index, COUNTER[8000 + index * 160 : 8160 + index * 160])
        frames.append(buffer.get())
    assert all(frame is not None for frame in frames)
    assert buffer.concealed == 3
    assert buffer.resets == 0
    assert np.array_equal(frames[4], COUNTER[8160:8320]) or np.array_equal(frames[5], COUNTER[8160:8320])


@given(
    st.lists(st.tuples(st.integers(-2000, 12000), st.integers(1, 500), st.booleans(), st.integers(0, 3)), max_size=60)
)
def test_buffer_gives_whole_frames_for_any_packets(steps: list[tuple[int, int, bool, int]]) -> None:
    buffer = JitterBuffer()
    begun = False
    for timestamp, length, in_order, gets in steps:
        buffer.put(timestamp & 0xFFFFFFFF, COUNTER[:length], in_order=in_order)
        for _ in range(gets):
            frame = buffer.get()
            begun = begun or frame is not None
            assert (frame is not None) is begun
            assert frame is None or (len(frame) == 160 and frame.dtype == np.int16)
