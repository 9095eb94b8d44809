"""Statistics of arrays: estimates with intervals, comparisons, uncertainty and the verdict.

Nothing in here knows what a campaign is.
"""
