"""Parts of campaigns of one environment that take a moment."""

TINY = """
[campaign]
name = "tiny"
duration = "50 ms"
warm_up = "10 ms"
replications = 2
seed = 5

[claim]
firmware = ["shared-uncapped"]
software = ["hosted-uml"]

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped", "hosted-uml"]
workload = ["integer"]

[[partitions]]
name = "app"
count = 2
share = "30 %"
"""

TRANSACTIONS = """
[workloads.mine]
user = "workloads/cpu.py:CommercialTransaction"
users = "6 per core"
think_time = "2 ms"
demand = { processor = "1 ms", calls = 20.0, page_faults = 30.0 }

[[partitions]]
name = "app"
count = 3
share = "30 %"
virtual_processors = "2 per core"
"""
"""A workload, and the partitions that it runs in."""
