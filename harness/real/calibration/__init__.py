"""Costs of single events on this machine, natively and in real targets."""
