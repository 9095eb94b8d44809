"""The static site of published reports."""
