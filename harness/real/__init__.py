"""Real targets on the Linux machine at hand: agent, channel, guests, what events cost there."""
