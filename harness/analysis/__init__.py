"""Overheads, verdicts, comparison, breakdown of a cell."""
