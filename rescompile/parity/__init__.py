"""Proof of sameness: the meaning of a network in NumPy, and backends compared with it."""
