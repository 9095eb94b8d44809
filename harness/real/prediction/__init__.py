"""Predicted overhead of a program or workload in a real target."""
