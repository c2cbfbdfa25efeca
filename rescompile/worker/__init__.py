"""Child processes that import a framework: one protocol, for models and for files of weights."""
