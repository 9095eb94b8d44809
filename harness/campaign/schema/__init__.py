"""Schema of the campaign file: pydantic models, limits, messages."""
