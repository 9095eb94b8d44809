"""Campaigns that come with vtax, as TOML files."""
