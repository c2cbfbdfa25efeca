def make_divisible(value: float, divisor: int) -> int:
    """The nearest multiple of divisor, never less than nine tenths of value."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
