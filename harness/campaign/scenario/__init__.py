"""Scenarios of a campaign: names, resolution, script."""
