"""Where layers are written: what they are applied to, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping

from rescompile.emit.label import Label
from rescompile.emit.layout import Call, Code
from rescompile.emit.scope import Scope
from rescompile.ir.structure import Layer
from rescompile.record import record

from .vocabulary import OWN, written


@record
class Place:
    """An op is applied to the variable `source`, by layers called after `label`, into `target`.

    `helpers` are the classes that the file has to define itself.
    """

    helpers: set[str]
    node: Layer
    source: str
    target: str
    label: Label
    scope: Scope

    def layer(
        self, layer: str, given: Mapping[str, Code], entering: str = "", suffix: str = ""
    ) -> Code:
        """A layer, applied to the place's source, or to another variable."""
        if layer in OWN:
            self.helpers.add(layer)
        made = written(layer, given, self.label.keyword(suffix))
        return Call(made, (entering or self.source,))
