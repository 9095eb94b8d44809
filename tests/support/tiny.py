"""A campaign of one environment that takes a moment."""

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
