"""Which constants drive the overheads, and how far they may move before a verdict flips."""
