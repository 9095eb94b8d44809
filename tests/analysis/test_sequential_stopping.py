from harness.analysis.sequential_stopping import cells_needing_more_runs


def campaign(synthetic, **more):
    factor = {"response": 1.05, "processor": 1.05}
    return synthetic({"shared-uncapped": factor, "hosted-vmware": factor}, **more)


def test_every_environment_is_wide_when_the_target_is_narrow(synthetic, tmp_path):
    made = campaign(synthetic, replications=20, half_width=1e-6)
    with made.fill(tmp_path) as store:
        assert cells_needing_more_runs(store, 20) == {
            cell.position for cell in store.campaign.cells
        }


def test_none_is_when_the_target_is_generous_or_missing(synthetic, tmp_path):
    with campaign(synthetic, replications=20, half_width=0.2).fill(tmp_path / "a") as store:
        assert cells_needing_more_runs(store, 20) == frozenset()
    with campaign(synthetic, replications=20).fill(tmp_path / "b") as store:
        assert cells_needing_more_runs(store, 20) == frozenset()


def test_later_replications_are_not_looked_at(synthetic, tmp_path):
    """What is decided after 5 replications is the same once there are 40."""
    with campaign(synthetic, replications=5, half_width=0.006).fill(tmp_path / "a") as store:
        early = cells_needing_more_runs(store, 5)
    with campaign(synthetic, replications=40, half_width=0.006).fill(tmp_path / "b") as store:
        assert cells_needing_more_runs(store, 5) == early
        assert early
        assert len(cells_needing_more_runs(store, 40)) < len(early)


def test_the_cells_of_an_environment_go_on_together(synthetic, tmp_path):
    with campaign(synthetic, replications=20, half_width=1e-6).fill(tmp_path) as store:
        found = cells_needing_more_runs(store, 20)
        for environment in {cell.environment for cell in store.campaign.cells}:
            cells = {c.position for c in store.campaign.cells if c.environment == environment}
            assert cells <= found or not cells & found


def test_without_a_claim_every_overhead_counts_as_a_share_of_its_ratio(synthetic, tmp_path):
    """Twenty times the time, known to a twentieth, is known as well as twice the time is."""
    factors = {
        "shared-uncapped": {"response": 1.05, "processor": 1.05},
        "hosted-vmware": {"response": 20.0, "processor": 20.0},
    }
    unclaimed = {"claim": None, "replications": 20}
    with synthetic(factors, half_width=1e-6, **unclaimed).fill(tmp_path / "a") as store:
        assert cells_needing_more_runs(store, 20) == {
            cell.position for cell in store.campaign.cells
        }
    with synthetic(factors, half_width=0.2, **unclaimed).fill(tmp_path / "b") as store:
        assert cells_needing_more_runs(store, 20) == frozenset()
