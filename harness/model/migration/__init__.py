"""Live Partition Mobility: transfer of memory, relocation of a partition."""
