"""The renderer for targets that apply layers to a tensor, in functions: one for each block."""
