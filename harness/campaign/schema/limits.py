"""How small and how large numbers may be, in campaign files and on the command line alike."""

from typing import NamedTuple


class Range(NamedTuple):
    """The smallest and the largest number that is allowed."""

    least: float
    most: float


class WholeRange(NamedTuple):
    """The smallest and the largest whole number that is allowed."""

    least: int
    most: int


CELLS = WholeRange(1, 20_000)
"""Cells of a campaign's matrix, feasible or not."""
REPLICATIONS = WholeRange(1, 10_000)
"""Runs of each cell; a campaign file asks for 2 at least."""
SEED = WholeRange(0, 2**63 - 1)
WORKERS = WholeRange(1, 1024)
"""Processes at work at the same time."""
PORT = WholeRange(1, 65535)
SPEED = Range(1e-3, 1e6)
"""Simulated seconds for each second of the wall clock."""
USERS = WholeRange(1, 1_000_000)
"""Closed users of a group on each partition."""
ARRIVALS = Range(1e-6, 1e6)
"""Open arrivals of a group on each partition, per second."""
PARTITIONS = WholeRange(1, 1024)
"""Partitions that one table stands for."""
CORES = WholeRange(1, 256)
"""Cores of a machine."""
SAMPLES = WholeRange(1, 100_000)
"""Samples of a scenario's timeline."""
CLOCK = Range(1e6, 1e12)
"""Clock of a processor, in hertz."""
MEMORY = WholeRange(1, 2**50)
"""Memory of a machine, in bytes."""
FIRES = WholeRange(1, 10_000)
"""How often a rule of a scenario acts."""
CHARACTERS = 2_000
"""Length of a text in characters."""
NAME = 64
"""Length of a name."""
YEARS = WholeRange(1970, 2999)
"""Years in which simulated time may begin."""
SHORTEST_SAMPLING = 1e-3
"""Between two observations of loads, in seconds."""
