"""Scenarios in files: TOML, Python, and those that are shipped. The only place that reads them from disk."""

import importlib.resources
import runpy
import wave
from collections.abc import Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio.resample import Resampler
from .audio.samples import SAMPLE_RATE, Samples
from .errors import UsageError
from .model.actions import DEFAULT_CLOSE
from .model.builder import ScenarioBuilder
from .model.scenario import Scenario
from .model.schema import parse_scenario

if TYPE_CHECKING:
    from .model.casting import Part

PYTHON_NAME = "scenario"
"""What a Python file calls its scenario: a `Scenario`, a `ScenarioBuilder`, or a function that answers a turn."""


def shipped_names() -> list[str]:
    """Of the scenarios that come along."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def load(name: str, *, close_code: int = DEFAULT_CLOSE) -> "Part":
    """A scenario that is shipped, by its name, or one of a file. Raises `UsageError`, with the line if it can."""
    if name in shipped_names():
        return shipped(name, close_code=close_code)
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"{name!r} is neither a file nor a scenario: there are {', '.join(shipped_names())}")
    return load_file(path, close_code=close_code)


def shipped(name: str, *, close_code: int = DEFAULT_CLOSE) -> Scenario:
    """A scenario that comes along."""
    text = shipped_text(name)
    return parse_scenario(text, file=f"{name}.toml", read_audio=_reader(_folder()), close_code=close_code)


def shipped_text(name: str) -> str:
    """Its TOML."""
    if name not in shipped_names():
        raise UsageError(f"there is no scenario {name!r}: there are {', '.join(shipped_names())}")
    return _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")


def load_file(path: Path, *, close_code: int = DEFAULT_CLOSE) -> "Part":
    """A scenario of a TOML or a Python file."""
    if path.suffix == ".py":
        return _of_python(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    return parse_scenario(text, file=str(path), read_audio=_reader(path.parent), close_code=close_code)


def read_wav(file: Traversable | Path) -> Samples:
    """The sound of a WAV file of 16-bit samples at any rate, as the voice has it; of several channels the first."""
    try:
        with file.open("rb") as raw, wave.open(raw, "rb") as reader:
            if reader.getsampwidth() != 2:
                raise UsageError(f"{file.name} has {8 * reader.getsampwidth()}-bit samples: 16 are needed")
            rate, channels = reader.getframerate(), reader.getnchannels()
            samples = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")[::channels].astype(np.int16)
    except (OSError, EOFError, wave.Error) as error:
        raise UsageError(f"{file.name} is no WAV file that can be read: {error}") from error
    if rate == SAMPLE_RATE:
        return samples
    resampler = Resampler(rate, SAMPLE_RATE)
    return np.concatenate((resampler.process(samples), resampler.flush()))


def _of_python(path: Path) -> "Part":
    try:
        part = runpy.run_path(str(path)).get(PYTHON_NAME)
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: this is no Python: {error.msg}") from error
    if isinstance(part, Scenario | ScenarioBuilder) or callable(part):
        return part
    raise UsageError(f"{path} has no {PYTHON_NAME}: a Scenario, a ScenarioBuilder, or a function that answers a turn")


def _folder() -> Traversable:
    return importlib.resources.files("ringback.fixtures").joinpath("scenarios")


def _reader(folder: Traversable | Path) -> Callable[[str], Samples]:
    return lambda name: read_wav(folder.joinpath(name))
