"""Writes generated/README.md, the gallery: every shipped network with its picture and its files.

`make generated` runs it; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rescompile.api import open_spec
from rescompile.language.load import zoo, zoo_directory
from rescompile.prose import markdown
from rescompile.registry import backend_names, get_backend
from rescompile.table import short

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "generated/README.md"
HEAD = """\
# Gallery

Everything here is written by rescompile from [specs/](../specs), and the tests hold it current:
pictures, sources for each framework, and reports. `make generated` rewrites it.

![Fig. 3 of He et al. 2015](figures/paper/fig3.svg)

This is Fig. 3 of He et al. 2015, `rescompile figure vgg19 plain34 resnet34 --style paper`: a box a
layer with weights, aligned by the size of the output; dotted arcs are shortcuts that change the
shape. The networks of that paper are drawn in both styles, all others as a strip of their stages
with a panel for each kind of block.
"""
RULE = ("---", "---:", "---:")  # words to the left, numbers to the right
FIRST = "resnet"  # the family whose specs stand in no folder


def render() -> str:
    """The page."""
    families: dict[str, list[str]] = {FIRST: []}
    for name, path in zoo().items():
        folder = path.parent
        family = FIRST if folder == zoo_directory() else folder.name
        families.setdefault(family, []).append(name)
    return "\n".join([HEAD, *(line for item in families.items() for line in _family(*item))])


def _family(family: str, names: list[str]) -> Iterator[str]:
    titles = [get_backend(name).title for name in backend_names()]
    head = ["network", "parameters", "multiply-adds", "picture", *titles, "report"]
    yield f"## {family}\n"
    if family != FIRST:
        yield f"![{names[0]}](figures/{names[0]}.svg)\n"
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join(RULE[:3])} | {' | '.join(['---'] * (len(head) - 3))} |"
    for name in names:
        cells = " | ".join(_cells(name))
        yield f"| {cells} |"
    yield ""


def _cells(name: str) -> Iterator[str]:
    net = open_spec(name)
    total = net.report("network").total
    yield markdown(net.analysis.network.title or name)
    yield short(total.parameters)
    yield short(total.macs)
    pictures = [f"[folded](figures/{name}.svg)"]
    if (ROOT / f"generated/figures/paper/{name}.svg").is_file():
        pictures.append(f"[paper](figures/paper/{name}.svg)")
    yield ", ".join(pictures)
    yield from (f"[{name}.py]({backend}/{name}.py)" for backend in backend_names())
    yield f"[{name}.md](reports/{name}.md)"


if __name__ == "__main__":
    GALLERY.write_text(render(), encoding="utf-8")
