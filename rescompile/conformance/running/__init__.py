"""What needs NumPy, and mostly the framework of a backend."""
