"""Real programs as workloads."""
