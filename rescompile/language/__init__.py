"""The front end: YAML with source positions, validated by pydantic models."""
