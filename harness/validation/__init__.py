"""The model held against exact theory, against published figures, and against itself."""
