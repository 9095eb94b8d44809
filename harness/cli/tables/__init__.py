"""Terminal tables of results."""
