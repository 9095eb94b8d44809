"""Processors: virtual processors, dispatchers of the hypervisor, time-sharing of a host."""
