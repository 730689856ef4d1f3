"""Imports that are made beside the start, not before it."""

import importlib

SOUND = "ringback.emulator.rtp.stream"


def load_sound() -> None:
    """Import what the first accepted call needs. It takes as long as a third of the start, and nobody who only wants to
    see the listeners open should wait for numpy: so in a thread, right after them."""
    importlib.import_module(SOUND)
    importlib.import_module("ringback.emulator.model.builtin")
    importlib.import_module("ringback.emulator.scenario_files")
    importlib.import_module("msgspec")
