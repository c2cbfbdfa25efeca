from .op import op
from .Value import Value


def split(x: Value, count: int) -> list[Value]:
    """Equal shares of the channels."""
    name = f"{x.graph.name}.{x.name}.split"
    return op.Split(x, axis=1, num_outputs=count, name=name)
