"""Metrics: what a run exposes, and how it is read."""
