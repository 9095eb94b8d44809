"""Campaigns on real targets."""
