"""State of this machine: processor time, interference, provenance."""
