"""The page: what is known of some networks, arranged by templates, under a strict policy.

Nothing is loaded from anywhere: the only style and the only script stand in the page and are
allowed by their hashes, images carry themselves. All text of a spec comes out as text: what cannot
be seen is shown as an escape, and everything is escaped by the templates.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from .. import __version__
from ..api import Architecture
from ..cost.cost import CONVENTIONS
from ..errors import DiagnosticCollector
from ..prose import visible
from ..record import record
from .comparison import Comparison, comparison
from .network import Section, reports, section

FOLDER = Path(__file__).parent / "templates"
MANY = 3  # networks: of more than these, each is folded
TERMS = {
    "MACs": "macs",
    "Parameters": "parameters",
    "Activations": "activation_bytes",
    "Peak of memory, alive": "peak_bytes",
    "Layers": "layers",
    "Field": "receptive_field_px",
    "Stride": "stride_px",
}
PARTS = {
    "glance": "At a glance",
    "figure": "Figure",
    "costs": "Costs",
    "memory": "Peak of memory",
    "claims-about": "Claims",
    "warnings": "Warnings",
    "sources": "Source",
}


@record
class Link:
    """A line of the contents: the id that it leads to, and its text."""

    id: str
    text: str


@record
class Document:
    """What the template of the page arranges."""

    title: str
    version: str
    policy: str
    style: Markup
    script: Markup
    terms: tuple[tuple[str, str], ...]
    contents: tuple[Link, ...]
    comparison: Comparison | None
    networks: tuple[Section, ...]


@record
class Page:
    """A page about some networks, to be written by a command; see `page`."""

    nets: tuple[Architecture, ...]
    versus: Architecture | None = None

    def html(self) -> str:
        """The page. Raises `SpecError`."""
        return page(self.nets, self.versus)


def page(nets: Sequence[Architecture], versus: Architecture | None = None) -> str:
    """A report on some networks as one HTML page, which is the same bytes on any machine.

    Of several, and with `versus`, the page compares them: each with `versus`, or the second of two
    with the first. Raises `SpecError` for all that is wrong with any of them.
    """
    if not nets:
        raise ValueError("a page is about one network at least")
    everyone = [*nets, *([versus] if versus else [])]
    folds = len(everyone) > 1
    collector = DiagnosticCollector()
    sections, known = [], []
    for i, net in enumerate(everyone, 1):
        with collector.part():
            known.append(reports(net))
            if i <= len(nets):
                sections.append(section(net, known[-1], f"net-{i}", folds, len(nets) <= MANY))
    collector.done()
    style, script = _file("page.css"), _file("page.js")
    stages = [found["stage"] for found in known]
    links = [f"#{one.id}" for one in sections] + [""] * (len(everyone) - len(nets))
    compared = comparison(stages, links, _pairs(nets, versus)) if folds else None
    document = Document(
        title=_title([report.title for report in stages], versus is not None),
        version=__version__,
        policy=_policy(style, script),
        style=style,
        script=script,
        terms=tuple((term, CONVENTIONS[key]) for term, key in TERMS.items()),
        contents=_contents(sections, compared is not None),
        comparison=compared,
        networks=tuple(sections),
    )
    return _templates().get_template("page.html.j2").render(page=document)


def _pairs(
    nets: Sequence[Architecture], versus: Architecture | None
) -> list[tuple[Architecture, Architecture]]:
    """Who is compared with whom, the base first."""
    if versus is None and len(nets) != 2:
        return []
    base, others = (nets[0], nets[1:]) if versus is None else (versus, nets)
    return [(base, net) for net in others]


def _title(titles: list[str], versus: bool) -> str:
    if versus and len(titles) == 2:
        return f"{titles[0]} against {titles[1]}"
    return " and ".join(titles) if len(titles) <= 2 else f"{len(titles)} networks compared"


def _contents(sections: Sequence[Section], comparison: bool) -> tuple[Link, ...]:
    """Of one network its parts, of several each network."""
    if comparison:
        links = [Link("comparison", "Comparison"), *(Link(one.id, one.title) for one in sections)]
    else:
        links = [Link(f"{one.id}-{part}", text) for one in sections for part, text in PARTS.items()]
    return (*links, Link("terms", "How it is counted"))


def _policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy: its own style, script and images, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> Markup:
    """A file of ours that stands in the page as it is."""
    return Markup((FOLDER / name).read_text("utf-8"))


@cache
def _templates() -> Environment:
    """The templates: undefined names are errors, and everything is made visible and escaped."""
    files = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.j2"))}
    return Environment(
        loader=DictLoader(files),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else visible(str(value), "\n"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
