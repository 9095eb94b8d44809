"""One run, of a cell or of a scenario."""
