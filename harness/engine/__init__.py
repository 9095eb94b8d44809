"""Simulation engine: event queue on whole nanoseconds, SimPy processes on it, real-time pacing."""
