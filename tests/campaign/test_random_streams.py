"""Seeds of random streams."""

from harness.campaign.random_streams import stream_seed


def test_streams_differ_between_users_groups_replications_and_seeds():
    seeds = {
        stream_seed(seed, replication, group, user)
        for seed in (1, 2)
        for replication in (0, 1)
        for group in ("a", "b", "a/b")
        for user in (0, 1, "arrivals")
    }
    assert len(seeds) == 36
    assert stream_seed("a", "b") != stream_seed("ab")
    assert stream_seed(1, 0, "app1/load", 3) == 16641738003937624250
