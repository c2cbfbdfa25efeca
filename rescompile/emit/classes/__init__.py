"""The renderer for targets that have modules: members in a constructor, and a forward pass."""
