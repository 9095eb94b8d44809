"""Networks: links, virtual Ethernet, Shared Ethernet Adapters, routes."""
