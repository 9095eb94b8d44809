"""Real targets: processes, control groups, QEMU guests."""
