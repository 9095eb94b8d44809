"""A run of a scenario: actions, checks, timeline."""
