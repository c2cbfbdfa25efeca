"""Proof of sameness: backends compared with the reference, and with each other."""
