"""Campaigns: what is to be compared, carried out and kept."""
