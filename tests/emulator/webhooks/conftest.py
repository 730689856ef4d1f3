import random

import pytest
from ringback.emulator.ids import Ids


@pytest.fixture
def ids() -> Ids:
    return Ids(random.Random(1))
