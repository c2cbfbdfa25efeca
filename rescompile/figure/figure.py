"""A picture of one or several networks, to be written in any format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..errors import Diagnostic, SpecError, did_you_mean
from ..files import Output
from ..ir.analysis import Analysis
from ..markup import image
from ..record import record
from .page import folded_scene, paper_scene
from .scene import Scene

STYLES = ("folded", "paper")
SCALE = 2  # pixels of a PNG for each of the scene


@record
class Figure:
    """A picture. Notebooks show it as it is."""

    scene: Scene

    def svg(self) -> str:
        """A whole SVG document, which follows light and dark mode."""
        from .svg import svg

        return svg(self.scene)

    def tikz(self) -> str:
        """A whole LaTeX document with one tikzpicture."""
        from .tikz import tikz

        return tikz(self.scene)

    def pdf(self) -> bytes:
        """A page of the size of the picture. Needs cairosvg; raises `SpecError` without it."""
        from .raster import convert

        return convert(self.svg(), "pdf", 1)

    def png(self) -> bytes:
        """Pixels, two for each of the scene's. Needs cairosvg; raises `SpecError` without it."""
        from .raster import convert

        return convert(self.svg(), "png", SCALE)

    def data(self, suffix: str) -> bytes:
        """The picture in the format of a file's suffix. Raises `SpecError` for an unknown one."""
        render = FORMATS.get(suffix.lower())
        if render is None:
            message = f"there is no picture of the kind '{suffix}'"
            raise SpecError([Diagnostic("E003", message, help=f"one of {', '.join(FORMATS)}")])
        made = render(self)
        return made.encode() if isinstance(made, str) else made

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it, in the format that the suffix tells: .svg, .tex, .pdf or .png."""
        place = Path(path)
        Output(place, self.data(place.suffix)).write()

    def __repr__(self) -> str:
        return f"<figure of {self.scene.title}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        """What notebooks prefer: an image, whose style does not reach the page around it."""
        return image(self.svg(), f"Figure of {self.scene.title}")


FORMATS: dict[str, Callable[[Figure], str | bytes]] = {
    ".svg": Figure.svg,
    ".tex": Figure.tikz,
    ".pdf": Figure.pdf,
    ".png": Figure.png,
}


def figure(analyses: Sequence[Analysis], style: str = "folded", open: Iterable[str] = ()) -> Figure:
    """Draw networks.

    "folded" is a strip of the stages of one network with a panel for each kind of block, stages in
    `open` block by block; "paper" is Fig. 3 of He et al. 2015, with any number of networks side by
    side. Raises `SpecError` for another style, for a stage that the network does not have, and for
    several networks in the folded style.
    """
    opened = tuple(open)
    if style not in STYLES:
        help = did_you_mean(style, STYLES) or f"one of {', '.join(STYLES)}"
        raise SpecError([Diagnostic("E106", f"there is no style '{style}'", help=help)])
    if style == "paper":
        return Figure(paper_scene(analyses))
    if len(analyses) != 1:
        help = "draw each by itself, or all in the style `paper`"
        raise SpecError([Diagnostic("E003", "a folded figure is of one network", help=help)])
    known = [stage.label for stage in analyses[0].network.stages]
    for name in opened:
        if name not in known:
            help = did_you_mean(name, known) or f"it has {', '.join(known)}"
            message = f"{analyses[0].network.name} has no stage '{name}'"
            raise SpecError([Diagnostic("E106", message, help=help)])
    return Figure(folded_scene(analyses[0], opened))
