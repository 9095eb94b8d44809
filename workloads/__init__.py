"""Locust users that put work on a partition, whatever stands behind it."""

import os

# Importing Locust patches the whole process for gevent. Users on a simulated clock want none of
# that; a process that Locust itself has started is patched already and is not affected.
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")
