"""What IBM published of virtual SCSI, by size of the transfer."""

SIZES = (4096, 8192, 32768, 65536, 131072)
CYCLES = {
    "physical": (45_000, 47_000, 58_000, 81_000, 120_000),
    "logical-volume": (49_000, 51_000, 59_000, 74_000, 105_000),
}
"""Cycles of a VIOS for a transfer, by backing device."""
