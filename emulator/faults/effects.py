"""Faults of meaning, ready-made: an effect that is lost, changed, doubled or done in the wrong place."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..calls.call import Call
from ..calls.effects import Effect, ReplyHttp
from ..errors import UsageError
from .plan import Done, Fault, Pause

E = TypeVar("E")


def drop(name: str, kind: type[E], *, nth: int | None = None) -> Fault:
    """Effects of that kind don't happen. Not for `ReplyHttp`, whose request would wait for ever."""
    if kind is ReplyHttp:
        raise UsageError(f"fault {name}: a request waits for its ReplyHttp; change its answer by `http` instead")
    return Fault(name=name, effect=lambda call, effect: [] if isinstance(effect, kind) else [effect], nth=nth)


def change(name: str, kind: type[E], into: Callable[[E], Done], *, nth: int | None = None) -> Fault:
    """Effects of that kind become what `into` makes of them."""

    def rewrite(call: Call, effect: Effect) -> Sequence[Done]:
        return [into(effect)] if isinstance(effect, kind) else [effect]

    return Fault(name=name, effect=rewrite, nth=nth)


def repeat(name: str, kind: type[E], *, nth: int | None = None) -> Fault:
    """Effects of that kind happen twice. Not for `ReplyHttp`, which can be given once."""
    if kind is ReplyHttp:
        raise UsageError(f"fault {name}: a request has one answer")
    return Fault(
        name=name, effect=lambda call, effect: [effect, effect] if isinstance(effect, kind) else [effect], nth=nth
    )


def early(name: str, kind: type[E], *, before: type[object], pause: float = 0.0) -> Fault:
    """Effects of that kind happen before the first of kind `before` in the same batch, instead of behind it, and after
    them nothing for `pause` seconds."""

    def reorder(call: Call, effects: tuple[Done, ...]) -> Sequence[Done]:
        first = next((index for index, effect in enumerate(effects) if isinstance(effect, before)), len(effects))
        moved = [effect for effect in effects[first:] if isinstance(effect, kind)]
        rest = [effect for effect in effects[first:] if not isinstance(effect, kind)]
        return [*effects[:first], *moved, *([Pause(pause)] if moved and pause else []), *rest]

    return Fault(name=name, batch=reorder)
