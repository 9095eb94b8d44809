"""The Partition Load Manager: policy file, decisions, the manager."""
