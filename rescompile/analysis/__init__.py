"""Costs and reports over the IR: exact integers from the spec alone, each with its convention."""
