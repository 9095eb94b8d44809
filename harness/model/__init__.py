"""The modelled hardware and the ways of dividing it."""
