"""Whether a machine is switched on, and for how long it has been off."""

from harness.engine.clock import Clock


class Power:
    """The switch of a machine.

    Attributes
    ----------
    on
        Whether the machine is on; it takes partitions only once its VIOS are up.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on = True
        self._off_ns = 0
        self._since_ns = clock.now_ns

    @property
    def off_ns(self) -> int:
        """Time that the machine has been off so far."""
        return self._off_ns + (0 if self.on else self.clock.now_ns - self._since_ns)

    def switch(self, on: bool) -> None:
        """Switch it on or off."""
        self._off_ns = self.off_ns
        self._since_ns = self.clock.now_ns
        self.on = on
