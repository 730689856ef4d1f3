"""How often tonecode is decoded exactly under each impairment, and what it costs: the tables of docs/tonecode.md.

`python tests/benchmarks/bench_tonecode.py [sentences each = 200] [seed = 1]`
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import impairments as line
from ringback.fixtures.tonecode import Receiver, decode, duration, encode

SENTENCES = (
    "Good morning, this is the workshop. How can I help you today?",
    "Your order number is 4711-0815, and it will arrive on Friday between nine and noon.",
    "Guten Tag! Für Rückfragen drücken Sie bitte die Zwölf – größere Mengen auf Anfrage.",
    "您好,请问有什么可以帮您?我们的营业时间是上午九点到下午六点。",
    "Sure 👍🏽 — the table for four 🍝 is booked at 19:30.",
    "Yes, that is right, thank you.",
)

IMPAIRMENTS: dict[str, line.Impairment] = {
    "clean": line.chain(),
    "µ-law": line.through_mu_law,
    "A-law": line.through_a_law,
    "Opus 24 kbit/s voip": line.through_opus(24000),
    "Opus 24 kbit/s audio": line.through_opus(24000, "audio"),
    "Opus 16 kbit/s voip": line.through_opus(16000),
    "8-24-8 kHz": line.resampled(24000),
    "noise 20 dB": line.noisy(20),
    "noise 10 dB": line.noisy(10),
    "noise 6 dB": line.noisy(6),
    "level -20 dB": line.at_level(-20),
    "level +6 dB": line.at_level(6),
    "offset 5 %": line.with_offset(0.05),
    "loss 1 %, silence": line.with_loss(0.01),
    "loss 1 %, repetition": line.with_loss(0.01, repeat=True),
    "loss 3 %, silence": line.with_loss(0.03),
    "loss 3 %, repetition": line.with_loss(0.03, repeat=True),
    "loss 4 %, repetition": line.with_loss(0.04, repeat=True),
    "loss 5 %, silence": line.with_loss(0.05),
    "loss 5 %, repetition": line.with_loss(0.05, repeat=True),
    "loss 8 %, repetition": line.with_loss(0.08, repeat=True),
    "burst of 60 ms": line.with_burst(60),
    "burst of 100 ms": line.with_burst(100),
    "slip +20 ms, silence": line.with_slip(20),
    "slip +20 ms, repetition": line.with_slip(20, repeat=True),
    "slip -20 ms": line.with_slip(-20),
    "slips +20, -20 ms": line.with_slip(20, -20, repeat=True),
    "slip -60 ms": line.with_slip(-60),
    "start cut 0…200 ms": line.cut_at_start,
    "talk-over, SIR 6 dB": line.talked_over(6),
    "talk-over, SIR 10 dB": line.talked_over(10),
    "talk-over, SIR 3 dB": line.talked_over(3),
    "clock skew 500 ppm": line.skewed(500),
    "µ-law, -10 dB, noise 20 dB, loss 1 % repeated": line.chain(
        line.at_level(-10), line.noisy(20), line.through_mu_law, line.with_loss(0.01, repeat=True)
    ),
    "Opus 24 kbit/s, loss 1 %": line.chain(line.through_opus(24000), line.with_loss(0.01)),
    "loss 1 %, slips +20, -20 ms": line.chain(line.with_loss(0.01, repeat=True), line.with_slip(20, -20)),
}


def sentence(number: int, random: np.random.Generator) -> str:
    text = SENTENCES[number % len(SENTENCES)]
    return text + " " + "".join(chr(int(c)) for c in random.integers(97, 123, int(random.integers(0, 40))))


def timed_feeds(receiver: Receiver, samples: line.Samples) -> tuple[list[float], list[str]]:
    times, texts = [], []
    for start in range(0, len(samples), 160):
        began = time.thread_time()
        heard = receiver.feed(samples[start : start + 160])
        times.append((time.thread_time() - began) * 1e6)
        texts += [item.text for item in heard if item.complete]
    return times, texts


def main() -> None:
    count, seed = [int(value) for value in (*sys.argv[1:], *(200, 1)[len(sys.argv) - 1 :])]
    print(f"{'impairment':48}{'exact %':>8}{'wrong':>6}{'mean':>7}{'p99':>7}{'worst':>8}   µs of CPU a feed of 20 ms")
    decode(encode("the first call of a library is slow"))
    for name, impair in IMPAIRMENTS.items():
        random = np.random.default_rng(seed)
        exact = wrong = 0
        times: list[float] = []
        for number in range(count):
            text = sentence(number, random)
            before = np.zeros(int(random.integers(160, 320)), np.int16)
            sound = np.concatenate((before, encode(text, utterance=number), np.zeros(1600, np.int16)))
            feeds, texts = timed_feeds(Receiver(), impair(sound, random))
            times += feeds
            exact += texts == [text]
            wrong += any(heard != text for heard in texts)
        mean, p99, worst = np.mean(times), np.percentile(times, 99), max(times)
        print(f"{name:48}{100 * exact / count:8.1f}{wrong:6}{mean:7.0f}{p99:7.0f}{worst:8.0f}")
    quiet = timed_feeds(Receiver(), np.zeros(160 * 5000, np.int16))[0]
    hiss = timed_feeds(Receiver(), np.random.default_rng(1).normal(0, 3000, 160 * 5000).astype(np.int16))[0]
    print(f"silence {np.mean(quiet):.1f} µs, white noise {np.mean(hiss):.1f} µs a feed of 20 ms")
    began = time.thread_time()
    samples = sum(len(encode(text)) for text in SENTENCES for _ in range(20))
    print(f"encode {(time.thread_time() - began) / samples * 160e6:.1f} µs a 20 ms")
    for size in (1, 20, 60, 120, 500, 2000):
        print(f"{size} characters: {duration('x' * size) / 8000:.2f} s")
    assert decode(encode("done"))[0].text == "done"


if __name__ == "__main__":
    main()
