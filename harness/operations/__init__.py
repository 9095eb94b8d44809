"""What changes running machines, checked before it begins: DLPAR, PLM, CoD, mobility, faults."""
