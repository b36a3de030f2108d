"""Messages that leave the house, against real servers on this machine."""
