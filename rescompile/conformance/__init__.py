"""What every backend must hold, as tests that ship with the package.

    pytest --pyargs rescompile.conformance --backend NAME

runs them for a backend that is installed; in a clone, `pytest rescompile/conformance` runs them for
all that are found. No backend is named here, no operation either: what there is to test follows
from the contract, from the classes of operations, and from the shipped specs. A test that needs a
part which a backend says that it has not does not run for it. Those marked slow run by `-m slow`.
"""
