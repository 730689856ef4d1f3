import tomllib
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ringback import fixtures
from ringback.emulator.errors import UsageError
from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.model.problems import ScenarioError
from ringback.emulator.model.scenario import Scenario, Spoken
from ringback.emulator.scenario_files import load, read_wav, shipped, shipped_names, shipped_text

MANIFEST = Path(fixtures.__file__).parent / "MANIFEST.toml"


def write_wav(path: Path, samples: Any, *, rate: int = 8000, channels: int = 1, width: int = 2) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples).astype("<i2" if width == 2 else "u1").tobytes())


def test_each_shipped_scenario_has_the_name_of_its_file() -> None:
    assert shipped_names() == [
        "barge_in",
        "dtmf_menu",
        "echo",
        "failing",
        "greet",
        "silent",
        "slow",
        "tool_call",
        "transfer",
    ]
    for name in shipped_names():
        scenario = load(name)
        assert isinstance(scenario, Scenario)
        assert scenario.name == name
        assert scenario.description


def test_manifest_names_each_shipped_scenario() -> None:
    manifest = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    assert {name for name in manifest if name.startswith("scenarios/")} == {
        f"scenarios/{name}.toml" for name in shipped_names()
    }


@pytest.mark.parametrize("read", [shipped, shipped_text])
def test_scenario_that_is_not_shipped_is_refused(read: Any) -> None:
    with pytest.raises(UsageError, match="there is no scenario 'nope': there are barge_in, dtmf_menu"):
        read("nope")


def test_scenario_of_a_file_is_loaded_with_its_sound(tmp_path: Path) -> None:
    write_wav(tmp_path / "one.wav", range(80))
    file = tmp_path / "x.toml"
    file.write_text(
        '[scenario]\nname = "x"\n[[turn]]\nsay = { audio = "one.wav", transcript = "one" }\ndisconnect = true'
    )
    scenario = load(str(file), close_code=4000)
    assert isinstance(scenario, Scenario)
    spoken = scenario.steps[0].actions[0]
    assert isinstance(spoken, Spoken)
    assert spoken.samples is not None
    assert spoken.samples.tolist() == list(range(80))
    assert scenario.steps[0].where == f"{file}:3"


def test_scenario_that_is_wrong_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[scenario]\nname = "x"\n[[turn]]\nsay = { audio = "one.wav" }')
    with pytest.raises(
        ScenarioError, match=f"^{file}:4: turn\\[1\\].say.audio: one.wav is no WAV file that can be read"
    ):
        load(str(file))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("from ringback.emulator.model.builder import ScenarioBuilder as B\nscenario = B('x')", ScenarioBuilder),
        ("from ringback.emulator.model.builder import ScenarioBuilder as B\nscenario = B('x').build()", Scenario),
    ],
)
def test_scenario_of_a_python_file_is_loaded(tmp_path: Path, text: str, kind: type) -> None:
    file = tmp_path / "x.py"
    file.write_text(text)
    assert isinstance(load(str(file)), kind)


def test_function_of_a_python_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("def scenario(turn):\n    return turn\n")
    part: Any = load(str(file))
    assert part("it") == "it"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.py", b"scenario = 1", "has no scenario: a Scenario, a ScenarioBuilder, or a function"),
        ("x.py", b"", "has no scenario"),
        ("x.py", b"\nscenario = (", r"x.py:2: this is no Python: '\(' was never closed"),
        ("x.toml", b"\xff\xfe", "can't be read"),
        ("y.toml", None, "is neither a file nor a scenario: there are barge_in"),
    ],
)
def test_file_that_is_no_scenario_is_refused(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        load(str(file))


def test_sound_of_another_rate_is_converted_and_of_two_channels_the_first_is_taken(tmp_path: Path) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(24000) / 24000)).astype(np.int16)
    write_wav(tmp_path / "x.wav", np.column_stack((tone, np.zeros_like(tone))), rate=24000, channels=2)
    samples = read_wav(tmp_path / "x.wav")
    assert len(samples) == 8000
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize(("width", "why"), [(1, "8-bit samples: 16 are needed")])
def test_sound_of_other_samples_is_refused(tmp_path: Path, width: int, why: str) -> None:
    write_wav(tmp_path / "x.wav", [0] * 10, width=width)
    with pytest.raises(UsageError, match=why):
        read_wav(tmp_path / "x.wav")


def test_file_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(UsageError, match="no WAV file"):
        read_wav(tmp_path / "x.wav")
