"""vtax: what virtualization costs, in firmware and in software, on modelled System p machines."""

import os

from harness import compiled

__version__ = "0.1.0"

# Importing Locust patches the whole process for gevent. Users on a simulated clock want none of
# that; a process that Locust itself has started is patched already and is not affected.
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")

compiled.use()
