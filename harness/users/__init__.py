"""Locust users on the simulated clock, in simulated time and in real time."""
