"""What a network costs: exact figures from the spec alone, each with its convention."""
