"""From a file to a validated spec: `extends` and `use` resolved, errors mapped to their places."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import (
    FEW,
    Diagnostic,
    DiagnosticCollector,
    Location,
    SpecError,
    did_you_mean,
    near,
    one_of,
)
from . import stdin
from .merge import merge
from .models import Spec
from .override import changed
from .tables import TABLE, written_out
from .types import shown
from .validate import validate
from .yaml import MAX_BYTES, Item, read

SUFFIXES = (".yaml", ".yml")
SHIPPED = "the shipped "
MAX_CHAIN = 10
MAX_FILES = 200
LIBRARY_KEYS = ("rescompile", "about", "use", "blocks")
NOT_INHERITED = ("name", "title", "class_name", "claims", "weights", "use", "extends")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*\Z")


@dataclass(frozen=True)
class Document:
    """A validated spec, the file that it came from, and how generated code cites that file."""

    spec: Spec
    path: Path
    data: bytes  # what is in that file
    cited: str
    root: Item  # the tree of the file, with `extends` and `use` resolved, and changed
    is_changed: bool = False  # whether it is another network than the file describes

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as the tree, which is read and judged again: models know places, and classes."""
        return _again, (self.path, self.data, self.cited, self.root, self.is_changed)


def _again(path: Path, data: bytes, cited: str, root: Item, is_changed: bool) -> Document:
    spec, wrong = validate(root)
    if spec is None:
        raise SpecError(wrong)
    return Document(spec, path, data, cited, root, is_changed)


def zoo_directory() -> Path:
    """Where the shipped specs are: inside the package, or beside it in a clone."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def zoo() -> dict[str, Path]:
    """The shipped networks by name."""
    root = zoo_directory()
    files = sorted(root.rglob("*.yaml"))
    return {f.stem: f for f in files if "blocks" not in f.relative_to(root).parts}


def find(name: str) -> Path:
    """The file that a command-line argument means: a path, or a name of the zoo."""
    path = Path(name)
    if path.suffix in SUFFIXES or _is_file(path):
        return path
    direct = zoo_directory() / f"{name}.yaml"
    if _REFERENCE.match(name) and _is_file(direct):
        return direct
    known = zoo()
    if name in known:
        return known[name]
    help = _beside(path) or f"{did_you_mean(name, known)}; `rescompile list` has all"
    raise SpecError([Diagnostic("E001", f"there is no spec named '{name}'", help=help)])


def _beside(path: Path) -> str:
    """What to write where a file is meant: `tinynet.yaml` for `tinynet`, or a slip of that."""
    try:
        files = [f for f in sorted(path.parent.iterdir()) if f.suffix in SUFFIXES]
    except (OSError, ValueError):
        return ""
    if found := [f.as_posix() for f in files if f.stem == path.name]:
        return one_of(found)
    stems = near(path.name, {*(f.stem for f in files), *zoo()})
    found = [f.as_posix() for f in files if f.stem in stems]
    return one_of([*found, *(stem for stem in stems if stem in zoo())][:FEW])


def is_text(spec: str) -> bool:
    """Whether this is the text of a spec: of several lines, and no file is or can be called so."""
    return "\n" in spec and Path(spec).suffix not in SUFFIXES and not _is_file(Path(spec))


class InvalidSpec(SpecError):
    """A spec says something wrong; `mended` is what it may mean, if that can be told."""

    def __init__(self, diagnostics: Iterable[Diagnostic], mended: Document | None) -> None:
        super().__init__(diagnostics)
        self.mended = mended


def load(path: Path, changes: Sequence[str] = (), text: bytes | None = None) -> Document:
    """Read and validate the spec at `path`, with some values changed (see `override`).

    With `text` it is that spec, as if it stood there. Raises `SpecError`, if the spec can be read
    `InvalidSpec`.
    """
    loader = _Loader(path, text)
    root = changed(loader.spec(path, None), changes)
    lost = dict.fromkeys(loader.collector.found)
    spec, wrong = validate(root)
    cited = ", ".join([f"{cite(path)} with {changes[0]}", *changes[1:]]) if changes else cite(path)
    document = None
    if spec is not None:
        document = Document(spec, path, loader.data, cited, root, bool(changes))
    if lost or wrong or document is None:
        raise InvalidSpec([*lost, *wrong], None if lost else document)
    return document


def sources(path: Path) -> list[Path]:
    """The file of a spec and those that it extends and uses, as far as they can be read."""
    loader = _Loader(path)
    with suppress(SpecError):
        loader.spec(path, None)
    return list(dict.fromkeys(loader.seen))


def cite(path: Path) -> str:
    """How generated code names the spec: from `specs/` on, or by the bare file name.

    A shipped one has a path where that leads to it, in the clone above all; elsewhere it is named.
    """
    if path == stdin.PATH:
        return stdin.CITED
    full, here, zoo = _real(path), _real(Path(".")), _real(zoo_directory())
    if full.is_relative_to(zoo):
        tail = Path("specs") / full.relative_to(zoo)
        there = (_real(above / tail) == full for above in (here, *here.parents))
        return tail.as_posix() if any(there) else f"{SHIPPED}{path.stem}"
    parts = full.parts
    if "specs" in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index("specs")
        return "/".join(parts[last:])
    return path.name


class _Loader:
    """Follows `extends` and `use` from file to file, once each, and never outside of them."""

    def __init__(self, path: Path, text: bytes | None = None) -> None:
        self.given = {} if text is None else {path: text}  # instead of what is in a file
        self.chain: list[Path] = []
        self.collector = DiagnosticCollector()  # what is wrong, though the spec can be read on
        self.seen: list[Path] = []
        self.data = b""  # of the spec itself

    @contextmanager
    def following(self, path: Path) -> Iterator[None]:
        """Inside, the file at `path` is one of those that led here."""
        self.chain.append(_real(path))
        try:
            yield
        finally:
            self.chain.pop()

    def read(self, path: Path, asked: Location | None) -> Item:
        self.seen.append(path)
        if len(self.chain) >= MAX_CHAIN:
            message = f"more than {MAX_CHAIN} files in a chain of `extends` and `use`"
            help = "extend a base nearer to the start of the chain"
            raise SpecError([Diagnostic("E104", message, asked, help=help)])
        if len(self.seen) > MAX_FILES:
            message = f"more than {MAX_FILES} files are read by `extends` and `use`"
            help = "put the blocks of several libraries into one"
            raise SpecError([Diagnostic("E104", message, asked, help=help)])
        if _real(path) in self.chain:
            names = " -> ".join(p.stem for p in (*self.chain, path))
            message = f"files use each other in a circle: {names}"
            help = "a spec extends another one, never itself; remove one of the references"
            raise SpecError([Diagnostic("E104", message, asked, help=help)])
        given = self.given.pop(path, None)
        data = read_bytes(path, asked) if given is None else given
        self.data = data if len(self.seen) == 1 else self.data
        root = read(data, str(path) if given is not None else label(path))
        if not isinstance(root.value, dict):
            help = "a spec starts: `rescompile: 1`"
            raise SpecError([Diagnostic("E101", "the file is not a mapping", root.at, help=help)])
        return written_out(root, self.collector.found) if TABLE.encode() in data else root

    def spec(self, path: Path, asked: Location | None) -> Item:
        root = self.read(path, asked)
        with self.following(path):
            self.use(root, path)
            extends = root.value.pop("extends", None)
            if extends is not None:
                base = self.base(extends, path)
                inherited = {k: v for k, v in base.value.items() if k not in NOT_INHERITED}
                root = merge(Item(inherited, base.at), root, self.collector.found)
        return root

    def base(self, extends: Item, path: Path) -> Item:
        """The spec to start from. Without it nothing more can be said: raises what was found."""
        with self.collector.part():
            return self.spec(reference(extends.value, path, extends.at), extends.at)
        raise SpecError(self.collector.found)

    def use(self, root: Item, path: Path) -> None:
        """Replace `use` by the blocks of the libraries; blocks of the file itself win."""
        use = root.value.pop("use", None)
        if use is None:
            return
        if not isinstance(use.value, list):
            message = "`use` is a list of libraries"
            help = "write `use: [blocks/residual]`"
            raise SpecError([Diagnostic("E112", message, use.at, help=help)])
        own = root.value.get("blocks")
        blocks = Item({}, own.at if own else use.at)
        for wanted in use.value:
            with self.collector.part():
                library = self.library(reference(wanted.value, path, wanted.at), wanted.at)
                blocks.value.update(library)
        if own is not None and isinstance(own.value, dict):
            blocks.value.update(own.value)
        root.value["blocks"] = own if own and not isinstance(own.value, dict) else blocks

    def library(self, path: Path, asked: Location) -> dict[str, Item]:
        root = self.read(path, asked)
        if any(key in root.value for key in ("stages", "input", "inputs", "extends")):
            message = f"'{path.stem}' is a network, not a library of blocks"
            help = f"write `extends: {path.stem}` to start from it"
            raise SpecError([Diagnostic("E105", message, asked, help=help)])
        for key, item in root.value.items():
            if key not in LIBRARY_KEYS:
                message = f"unknown key '{key}' in a library of blocks"
                help = did_you_mean(key, LIBRARY_KEYS)
                self.collector.found.append(Diagnostic("E110", message, item.key_at, help=help))
        with self.following(path):
            self.use(root, path)
        blocks = root.value.get("blocks")
        if blocks is None or not isinstance(blocks.value, dict):
            message = "a library has a mapping `blocks`"
            at, help = blocks.at if blocks else root.at, "write `blocks:`, and blocks under it"
            raise SpecError([Diagnostic("E111", message, at, help=help)])
        return dict(blocks.value)


def reference(name: object, path: Path, at: Location | None) -> Path:
    """The file that a name in the file at `path` means: beside that file, or in the zoo.

    Raises `SpecError` at the place `at` where there is none.
    """
    if not isinstance(name, str) or not _REFERENCE.match(name) or ".." in name.split("/"):
        message = f"{shown(name)} does not name a spec or a library"
        help = "use a name such as `resnet34` or `blocks/residual`, without `..` and `.yaml`"
        raise SpecError([Diagnostic("E105", message, at, help=help)])
    name = name.removesuffix(".yaml")
    root = zoo_directory()
    for directory in (path.parent, root):
        candidate = directory / f"{name}.yaml"
        if _is_file(candidate) and candidate.resolve().is_relative_to(directory.resolve()):
            return candidate
    known = zoo()
    if name in known:
        return known[name]
    libraries = [f"blocks/{f.stem}" for f in (root / "blocks").glob("*.yaml")]
    help = did_you_mean(name, [*known, *libraries])
    raise SpecError([Diagnostic("E105", f"there is no '{name}' here", at, help=help)])


def _real(path: Path) -> Path:
    """The path without links; unlike `Path.resolve` it does not mind a loop of them."""
    return Path(os.path.realpath(path))


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have is that of none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, a folder that is closed to us, a NUL byte
        return False


def read_bytes(path: Path, asked: Location | None = None) -> bytes:
    """What is in a file, up to more than may be. Raises `SpecError` at the place `asked`."""
    try:
        if not _is_file(path):
            beside = [f.name for f in sorted(path.parent.glob("*.yaml"))]
            help = did_you_mean(path.name, beside) or "check the path"
            message = f"there is no file '{label(path)}'"
            raise SpecError([Diagnostic("E001", message, asked, help=help)])
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # one byte more is too many
    except (OSError, ValueError) as error:  # a NUL byte in a folder's name is a ValueError
        message = f"cannot read '{label(path)}': {getattr(error, 'strerror', error)}"
        help = "check the permissions of the file"
        raise SpecError([Diagnostic("E001", message, asked, help=help)]) from None


def label(path: Path) -> str:
    """A path as diagnostics print it: from here on, or from `specs/` on for the shipped zoo."""
    full, here = _real(path), _real(Path("."))
    if full.is_relative_to(here):
        return full.relative_to(here).as_posix()
    zoo = zoo_directory()
    if full.is_relative_to(zoo):
        return (Path("specs") / full.relative_to(zoo)).as_posix()
    return path.as_posix()
