"""Proof of sameness: what a network means in NumPy float64, and weights to compare backends under."""
