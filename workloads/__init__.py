"""Locust users that put work on a partition, whatever stands behind it."""
