import pytest

from harness.campaign.plan import make_plan


@pytest.fixture(scope="session")
def shipped_cells():
    """Cells of the smallest campaign that is shipped."""
    return make_plan("smoke").cells
