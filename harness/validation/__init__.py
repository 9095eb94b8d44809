"""Validation of the model by exact theory, published figures and invariants."""
