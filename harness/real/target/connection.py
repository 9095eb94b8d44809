"""TCP connection to a target over its network, from this machine's loopback.

An agent on this machine is reached directly; a guest through QEMU's user-mode network and the
guest's network card.
"""

import socket
import struct
import time

from harness.real.target.channel import TargetError

_SIZES = struct.Struct("!II")
_PIECE = 1 << 20


def free_port() -> int:
    """Return a TCP port of the loopback that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Connection:
    """TCP connection to a target's agent.

    Parameters
    ----------
    port
        Port of this machine's loopback.
    seconds
        Time limit of the connection and of each exchange.

    Raises
    ------
    TargetError
        If nothing listens on the port.
    """

    def __init__(self, port: int, seconds: float) -> None:
        self._seconds = seconds
        self._buffer = bytearray(_PIECE)
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise TargetError(f"no connection to its network: {error.strerror or error}") from None

    def exchange(self, sent: int, received: int) -> float:
        """Send bytes and wait for the answer.

        Parameters
        ----------
        sent, received
            Bytes of the request and of the answer, without the 8 that announce them; below 2**32.

        Returns
        -------
        float
            Seconds by this machine's clock, from the first byte sent to the last one received.

        Raises
        ------
        TargetError
            If the target closes the connection, or does not answer in time.
        """
        payload = memoryview(self._buffer)
        begin = time.monotonic()
        try:
            first = min(sent, _PIECE)
            self._socket.sendall(_SIZES.pack(sent, received) + payload[:first])
            for at in range(first, sent, _PIECE):
                self._socket.sendall(payload[: min(_PIECE, sent - at)])
            left = received
            while left:
                taken = self._socket.recv_into(payload, min(_PIECE, left))
                if not taken:
                    raise TargetError("it closed its connection")
                left -= taken
        except TimeoutError:
            raise TargetError(
                f"no answer over its network within {self._seconds:g} s ({sent} bytes sent, "
                f"{received} awaited)"
            ) from None
        except OSError as error:
            raise TargetError(f"its network: {error.strerror or error}") from None
        return time.monotonic() - begin

    def close(self) -> None:
        """Close it."""
        self._socket.close()
