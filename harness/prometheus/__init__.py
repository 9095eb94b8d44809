"""Everything that talks to a Prometheus server."""
