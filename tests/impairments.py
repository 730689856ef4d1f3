"""What lines do to sound: codecs, noise, loss, slips. 8 kHz int16 in and out, all chance from `random`."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.int16]
Impairment = Callable[[Samples, np.random.Generator], Samples]

PACKET = 160


def _clipped(samples: npt.NDArray[np.floating]) -> Samples:
    return np.rint(np.clip(samples, -32768, 32767)).astype(np.int16)


def through_mu_law(samples: Samples, random: np.random.Generator) -> Samples:
    """G.711 µ-law and back, by the continuous formula with 8 bits: as coarse as the segmented one."""
    scaled = samples / 32768
    code = np.rint(np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256) * 127)
    return _clipped(np.sign(code) * np.expm1(np.abs(code) / 127 * np.log(256)) / 255 * 32768)


def through_a_law(samples: Samples, random: np.random.Generator) -> Samples:
    """G.711 A-law and back, by the continuous formula with 8 bits."""
    a, scaled = 87.6, samples / 32768
    size = np.abs(scaled)
    curve = np.where(size < 1 / a, a * size, 1 + np.log(np.maximum(a * size, 1e-9))) / (1 + np.log(a))
    code = np.sign(scaled) * (np.floor(curve * 127) + 0.5) / 127
    back = np.abs(code) * (1 + np.log(a))
    return _clipped(np.sign(code) * np.where(back < 1, back / a, np.exp(back - 1) / a) * 32768)


def through_opus(bit_rate: int, application: str = "voip") -> Impairment:
    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        import av  # heavy, and only needed here

        encoder = av.CodecContext.create("libopus", "w")
        encoder.sample_rate, encoder.format, encoder.layout = 48000, "s16", "mono"
        encoder.time_base, encoder.bit_rate = Fraction(1, 48000), bit_rate
        encoder.options = {"application": application}
        decoder = av.CodecContext.create("libopus", "r")
        decoder.sample_rate, decoder.layout = 48000, "mono"
        wide = soxr.resample(np.concatenate((samples, np.zeros(800, np.int16))), 8000, 48000)
        wide = np.concatenate((wide, np.zeros(-len(wide) % 960, np.int16)))
        packets = []
        for start in range(0, len(wide), 960):
            frame = av.AudioFrame.from_ndarray(wide[None, start : start + 960], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        decoded = [frame.to_ndarray() for packet in packets for frame in decoder.decode(packet)]
        sound = np.concatenate(decoded, axis=1)[0]
        if sound.dtype != np.int16:
            sound = _clipped(sound * 32767)
        return soxr.resample(sound, 48000, 8000)

    return impair


def resampled(rate: int) -> Impairment:
    return lambda samples, random: soxr.resample(soxr.resample(samples, 8000, rate), rate, 8000)


def noisy(signal_to_noise_db: float) -> Impairment:
    """White noise over the whole recording, so many decibels below the sound in it."""

    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        sounding = samples[np.abs(samples) > 0].astype(float)
        level = np.sqrt(np.mean(sounding**2)) * 10 ** (-signal_to_noise_db / 20)
        return _clipped(samples + random.standard_normal(len(samples)) * level)

    return impair


def at_level(decibels: float) -> Impairment:
    return lambda samples, random: _clipped(samples * 10 ** (decibels / 20))


def with_offset(share: float) -> Impairment:
    return lambda samples, random: _clipped(samples + share * 32768.0)


def with_loss(share: float, *, repeat: bool = False) -> Impairment:
    """20 ms packets lost, and silence or the packet before put in their places."""

    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        result = samples.copy()
        for start in range(PACKET, len(samples) - PACKET, PACKET):
            if random.random() < share:
                result[start : start + PACKET] = result[start - PACKET : start] if repeat else 0
        return result

    return impair


def with_burst(milliseconds: int) -> Impairment:
    """One gap of silence behind the lead-in."""

    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        result, size = samples.copy(), 8 * milliseconds
        start = int(random.integers(1760, len(samples) - size))
        result[start : start + size] = 0
        return result

    return impair


def with_slip(*milliseconds: int, repeat: bool = False) -> Impairment:
    """Sound left out (negative) or put in (silence, or the sound before) between packets, behind the lead-in."""

    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        result = samples
        for slip in milliseconds:
            size = 8 * abs(slip)
            at = PACKET * int(random.integers(12, len(result) // PACKET - 2))
            if slip < 0:
                result = np.concatenate((result[:at], result[at + size :]))
            else:
                inserted = result[at - size : at] if repeat else np.zeros(size, np.int16)
                result = np.concatenate((result[:at], inserted, result[at:]))
        return result

    return impair


def cut_at_start(samples: Samples, random: np.random.Generator) -> Samples:
    """The first 0…200 ms of sound are missing."""
    start = int(np.flatnonzero(samples)[0]) + int(random.integers(0, 1601))
    return samples[start:]


def _wandering(
    size: int, every: float, low: float, high: float, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A curve through random values, one each `every` seconds."""
    knots = np.arange(0, size / 8000 + every, every)
    return np.interp(np.arange(size) / 8000, knots, random.uniform(low, high, len(knots)))


def speech_like(size: int, random: np.random.Generator) -> Samples:
    """A buzz with moving pitch and formants in syllables, between hisses and pauses."""
    pitch = _wandering(size, 0.2, 90, 240, random)
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    formants = [
        (weight, _wandering(size, 0.15, low, high, random))
        for weight, low, high in ((1, 300, 800), (0.5, 900, 2200), (0.25, 2300, 3200))
    ]
    sound = np.zeros(size)
    for harmonic in range(1, 30):
        gain = sum(weight / (1 + ((pitch * harmonic - formant) / 120) ** 2) for weight, formant in formants)
        sound += np.where(pitch * harmonic < 3600, gain, 0) * np.sin(harmonic * phase)
    syllable = _wandering(size, 0.1, 0, 1, random)
    sound *= np.clip(2 * syllable - 0.4, 0, 1)
    sound += random.standard_normal(size) * 0.15 * np.clip(0.5 - syllable, 0, 1)
    return _clipped(sound / np.sqrt(np.mean(sound**2)) * 3000)


def talked_over(signal_to_interference_db: float) -> Impairment:
    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        other = speech_like(len(samples), random).astype(float)
        level = np.sqrt(np.mean(samples[np.abs(samples) > 0].astype(float) ** 2)) / np.sqrt(np.mean(other**2))
        return _clipped(samples + other * level * 10 ** (-signal_to_interference_db / 20))

    return impair


def skewed(parts_per_million: float) -> Impairment:
    """A sender whose clock runs fast."""

    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        return _clipped(
            soxr.resample(samples.astype(np.float32), 8000 * (1 + parts_per_million / 1e6), 8000, quality="VHQ")
        )

    return impair


def chain(*impairments: Impairment) -> Impairment:
    def impair(samples: Samples, random: np.random.Generator) -> Samples:
        for impairment in impairments:
            samples = impairment(samples, random)
        return samples

    return impair
