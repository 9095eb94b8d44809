"""Dashboards, rules and their unit tests, provisioning, compose file: data, no code."""
