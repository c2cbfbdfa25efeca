"""Expressions over parameters: numbers that are known at a call, kept as they were written."""
