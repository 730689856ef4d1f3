"""The control API: what the fixture `ringback` does for a pytest test, by HTTP under `/_ringback/`, for every other
language. `ringback serve` and `ringback exec` mount it; `docs/control.md` is its page."""

from .control import Control

__all__ = ["Control"]
