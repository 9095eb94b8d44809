"""Exchanges with targets over their network."""

import os
import signal
import socket
import threading

import pytest

from harness.real.host.cpu_time import tree_seconds
from harness.real.target.channel import TargetError
from harness.real.target.connection import Connection, free_port


@pytest.mark.parametrize("name", ["machine", "guest"])
def test_any_number_of_bytes_goes_there_and_back(name, request):
    target = request.getfixturevalue(name)
    # More than a piece of the machine's or of the agent's buffer; a guest is slow.
    large = ((1 << 20) + 1, (2 << 20) + 3) if name == "machine" else ((1 << 20) + 1, 0)
    for sent, received in ((0, 0), (1, 0), (0, 1), (64, 1400), large):
        sample = target.exchange(sent, received, count=2)
        # Even nothing is a request and waits for its turn.
        assert sample.seconds > 0 or received == 0
        assert sample.processor_seconds >= 0
    # The agent answers on its channel meanwhile, and programs do not end its server.
    assert target.channel_seconds() > 0
    assert target.exchange(1, 1).seconds > 0


def test_the_processor_time_of_the_other_side_counts(machine):
    before = tree_seconds(machine.pid)
    sample = machine.exchange(64 << 20, 64 << 20)
    assert 0 < sample.processor_seconds <= tree_seconds(machine.pid) - before


def test_nobody_there_is_told():
    with pytest.raises(TargetError, match="no connection to its network: Connection refused"):
        Connection(free_port(), 1)


def test_a_target_that_dies_in_the_middle_of_an_exchange_is_told(native):
    native.exchange(1, 1)
    os.kill(native.pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (native.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(TargetError, match=r"closed its connection|its network: "):
        while True:
            native.exchange(1 << 20, 1 << 20)
    killer.join()


def test_a_target_that_does_not_answer_in_time_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = Connection(server.getsockname()[1], 0.2)
        with pytest.raises(TargetError, match=r"within 0\.2 s \(10 bytes sent, 7 awaited\)"):
            connection.exchange(10, 7)
        connection.close()


@pytest.mark.parametrize("name", ["machine", "guest"])
def test_what_is_sent_is_what_the_target_reads(name, request):
    """A request that is cut would make the next one another's."""
    target = request.getfixturevalue(name)
    for size in (1, 8, 4096, 65_537):
        for _ in range(2):
            target.exchange(size, size)
    assert target.exchange(0, 1).seconds > 0
