"""The target that the options name. Each is imported only when it is chosen."""

from ..options import Options, WrongOptions
from ..target import Target


def choose(options: Options, *, is_plan: bool = False) -> Target:
    """Raises `WrongOptions` for a name that is none, and for options that don't fit the target.

    A target that is chosen for a plan is never opened, so it needs less.
    """
    kind, _, name = options.target.partition(":")
    if kind == "emulator" and not name:
        from .emulator import EmulatorTarget

        return EmulatorTarget()
    if kind == "url" and not name:
        from .url import url_target

        return url_target(options)
    if kind == "live" and not name:
        from .live import live_target

        return live_target(options, is_plan=is_plan)
    raise WrongOptions(f"--target {options.target}: emulator, url, live, mutant:NAME, mutant:all or recordings:DIR")
