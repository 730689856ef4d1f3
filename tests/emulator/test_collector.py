import gc

from ringback.emulator.collector import MIDDLE, OLD, YOUNG, settle


def test_collector_leaves_alone_what_was_there_and_looks_less_often() -> None:
    before = gc.get_threshold()
    try:
        settle()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == (YOUNG, MIDDLE, OLD)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
