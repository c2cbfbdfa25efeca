"""PDF and PNG by cairosvg, an optional extra."""

from __future__ import annotations

from ..errors import Diagnostic, SpecError


def convert(svg: str, form: str, scale: float) -> bytes:
    """The picture in the light colours, as "pdf" or "png". Raises `SpecError` without cairosvg."""
    try:
        import cairosvg
    except (ImportError, OSError) as error:  # OSError: the library cairo itself is not there
        missing = "cairosvg" if isinstance(error, ImportError) else "the library cairo"
        message = f"{missing} is not installed, which .{form} files need"
        help = "pip install 'rescompile[figures]' and, from your system, cairo; .svg needs neither"
        raise SpecError([Diagnostic("E004", message, help=help)]) from None
    render = getattr(cairosvg, f"svg2{form}")
    made: bytes = render(bytestring=svg.encode(), scale=scale, background_color="white")
    return made
