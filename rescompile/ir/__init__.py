"""The typed intermediate representation: operations, structure, elaboration, lint, text form."""
