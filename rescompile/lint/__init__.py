"""What a reader of the papers would want to know about a network."""
