"""What several tests of results share."""

import pytest


@pytest.fixture
def record(plan):
    return plan.record()
