"""Block devices: disks, virtual SCSI, the Virtual I/O Server."""
