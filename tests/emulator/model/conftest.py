from collections.abc import Callable

import pytest
from stage import Stage


@pytest.fixture
def stage() -> Callable[..., Stage]:
    """`stage(model, **config)`: a session whose model that is."""
    return Stage
