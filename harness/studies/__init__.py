"""Further runs around a finished campaign: sensitivity, capacity."""
