"""Capacity under quality of service: the highest load within a response-time limit."""
