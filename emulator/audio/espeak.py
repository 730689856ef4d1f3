"""A voice for people: text into speech by eSpeak NG, for whoever calls with a softphone or a browser.

The library is not ours: `pip install 'ringback[voice]'` brings it, or the system has it (Debian's `libespeak-ng1`,
Homebrew's `espeak-ng`). It is one per process, and so are its settings; calls of it take turns.
"""

import ctypes
import ctypes.util
import threading
from functools import lru_cache
from typing import Any

import numpy as np
import soxr

from ..errors import UsageError
from .samples import SAMPLE_RATE, Samples

# speak_lib.h
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF_8 = 1
_LIST_ENDS, _WORD = 0, 1

_turn = threading.Lock()


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class EspeakVoice:
    """Speaks a language of eSpeak NG, such as `en-us` or `de`. Raises `UsageError` where there is no such voice, or no
    eSpeak NG."""

    def __init__(self, language: str) -> None:
        self._language = language
        _speech(language, "")

    def speak(self, text: str) -> Samples:
        return _speech(self._language, text)[0]

    def heard_prefix(self, text: str, played_samples: int) -> str:
        sound, words = _speech(self._language, text)
        if played_samples >= len(sound):
            return text
        return text[: max((position for position, sample in words if sample <= played_samples), default=0)].rstrip()


@lru_cache(maxsize=64)
def _speech(language: str, text: str) -> tuple[Samples, tuple[tuple[int, int], ...]]:
    """The sound of a text, and where each word begins: the index of its character, and of its sample."""
    library, rate = _library()
    chunks: list[Any] = []
    words: list[tuple[int, int]] = []

    def take(wav: Any, count: int, events: Any) -> int:
        if count:
            chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while (event := events[index]).type != _LIST_ENDS:
            if event.type == _WORD:
                words.append((event.text_position - 1, event.sample * SAMPLE_RATE // rate))
            index += 1
        return 0

    data, callback = text.encode(), _Callback(take)
    with _turn:
        if library.espeak_SetVoiceByName(language.encode()) != 0:
            raise UsageError(f"eSpeak NG has no voice {language!r}: `espeak-ng --voices` lists them")
        library.espeak_SetSynthCallback(callback)
        library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF_8, None, None)
    spoken = np.concatenate(chunks).astype(np.float32)
    return np.clip(np.rint(soxr.resample(spoken, rate, SAMPLE_RATE)), -32768, 32767).astype(np.int16), tuple(words)


@lru_cache(maxsize=1)
def _library() -> tuple[ctypes.CDLL, int]:
    """eSpeak NG, ready to speak, and its sample rate."""
    library, data = _found()
    rate: int = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DO_NOT_EXIT)
    if rate < 0:
        raise UsageError("eSpeak NG does not start: its data is missing (Debian: espeak-ng-data)")
    return library, rate


def _found() -> tuple[ctypes.CDLL, bytes | None]:
    try:
        import espeakng_loader
    except ModuleNotFoundError:
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise UsageError(
                "voice 'espeak' needs eSpeak NG: pip install 'ringback[voice]', or the system's package espeak-ng"
            ) from None
        return ctypes.CDLL(name), None
    return ctypes.CDLL(str(espeakng_loader.get_library_path())), str(espeakng_loader.get_data_path()).encode()
