"""What sources print of networks, and whether it follows from the exact figures."""
