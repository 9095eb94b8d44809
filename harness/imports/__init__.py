"""Measurements of real systems, read from the files of their own tools."""
