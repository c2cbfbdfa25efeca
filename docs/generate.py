"""Writes docs/language.md and docs/errors.md, templates with what the code says, and the schema.

The tables come from the pydantic models, the operations and the expression grammar, so that the
reference cannot say what the compiler does not do. `make docs` runs it; a test compares.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from rescompile import explain, ops
from rescompile.errors import Diagnostic, Location, record
from rescompile.expr import dims, parse
from rescompile.ir import call_stack, elaborate
from rescompile.language import load, models, names, printed, types, yaml
from rescompile.language import schema as spec_schema
from rescompile.language.models import claims
from rescompile.lower import blocks, steps
from rescompile.ops import base as ops_base
from rescompile.reserved import ATTRIBUTES, KEYWORDS

HERE = Path(__file__).parent
LANGUAGE = HERE / "language.md"
ERRORS = HERE / "errors.md"
SCHEMA = HERE.parent / "specs/schema.json"
# What the code calls by a word alone; the tests fail where a word is missing here.
FUNCTIONS = {
    "min": "the least of its arguments",
    "max": "the greatest of its arguments",
    "int": "the whole part: `int(2.7)` is 2",
    "round": "the nearest whole number, halves to the even one: `round(2.5)` is 2",
    "ceil": "the least whole number that is not below",
    "make_divisible": "of a value and a divisor: the nearest multiple of the divisor, never less "
    "than nine tenths of the value (MobileNet's rule)",
}
OPERATORS = {
    "+": "sum",
    "-": "difference; also before a single value",
    "*": "product",
    "/": "quotient, with a fraction: for a whole number write `//` or `int(...)`",
    "//": "quotient, rounded down",
    "%": "remainder",
    "**": "power: `2 ** 10` is 1024",
    "==": "equal",
    "!=": "not equal",
    "<": "less",
    "<=": "at most",
    ">": "greater",
    ">=": "at least",
    "and": "both",
    "or": "one or both",
}
LIMITS = {
    "characters of a name": types.MAX_NAME,
    "a number": types.MAX_NUMBER,
    "repetitions": call_stack.MAX_REPEAT,
    "steps, with branches that repeat written out": steps.MAX_STEPS,
    "layers of a network": elaborate.MAX_LAYERS,
    "values of one map": ops_base.MAX_ELEMENTS,
    "characters of an expression": parse.MAX_TEXT,
    "terms of an expression": parse.MAX_NODES,
    "blocks that call each other, one inside the other": blocks.MAX_BLOCK_DEPTH,
    "files in a chain of `extends` and `use`": load.MAX_CHAIN,
    "bytes of a file": yaml.MAX_BYTES,
    "characters of a printed figure": printed.MAX_PRINTED,
}


# What stands in a diagnostic for tools.
RECORD = {
    "code": "the code",
    "severity": "`error` or `warning`",
    "message": "what is wrong",
    "file": "the file, as the text names it",
    "line": "from one",
    "column": "from one",
    "text": "the whole source line",
    "label": "what stands under the caret",
    "notes": "a list: how one came there",
    "help": "what to do",
}


def template(name: str) -> Template:
    """A template of this folder."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def render_errors() -> str:
    """The whole of docs/errors.md."""
    pages = [explain.page(code).body for code in explain.codes()]
    shown = explain.page("E203").body.partition("report mine.yaml\n")[2].partition("\n```")[0]
    known = record(Diagnostic("E203", "", Location("", 1, 1)))
    return template("errors.md.j2").render(
        example=shown,
        keys="\n".join(f"| `{key}` | {RECORD[key]} |" for key in RECORD if key in known),
        index="\n".join(_index()),
        pages="\n".join(map(_deeper, pages)),
    )


def _index() -> Iterator[str]:
    """All codes by kind, each with a link to its section, as GitHub names it."""
    for kind, pages in explain.index().by_kind():
        yield f"**{kind}**\n"
        for page in pages:
            anchor = re.sub(r"[^\w\- ]", "", f"{page.code} {page.title}").replace(" ", "-").lower()
            yield f"* [`{page.code}`](#{anchor}) {page.title}"
        yield ""


def _deeper(text: str) -> str:
    """A page with its headings a level down; a line of code is no heading."""
    parts = re.split(r"(^```.*?^```)", text, flags=re.M | re.S)
    return "".join(
        part if part.startswith("```") else re.sub(r"^#", "##", part, flags=re.M) for part in parts
    )


def render() -> str:
    """The whole of docs/language.md."""
    return template("language.md.j2").render(
        models=models,
        fields=fields,
        about=about,
        operations=operations(),
        activations=activations(),
        norms=rows(models.NORMS),
        shortcuts=rows(models.SHORTCUTS),
        operators=rows({word: OPERATORS[word] for word in dims.BINARY}),
        functions=rows({word: FUNCTIONS[word] for word in dims.FUNCTIONS}),
        call_keys=listed(names.CALL_KEYS),
        known=listed(names.KNOWN),
        of_network=listed((*names.KNOWN_OUTSIDE, *names.OF_NETWORK)),
        attributes=len(KEYWORDS | ATTRIBUTES),
        limits=rows({what: f"{most:,}" for what, most in LIMITS.items()}, code=False),
        counts=rows({key: ", ".join(words) for key, words in claims.COUNTS.items()}),
        not_inherited=listed(load.NOT_INHERITED),
        library_keys=listed(load.LIBRARY_KEYS),
    )


def listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


def operations() -> str:
    """A section for each operation of a step."""
    return "\n\n".join(
        f"### {word}\n\n{about(model)}\n\n{fields(model)}"
        for word, model in models.OPERATIONS.items()
    )


def about(model: Any) -> str:
    """A model's docstring in one paragraph a paragraph."""
    paragraphs = inspect.cleandoc(model.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def fields(model: Any, *only: str) -> str:
    """A table of a model's keys: what each may be, what it is by itself, what it means."""
    found = [(f.alias or name, f) for name, f in model.model_fields.items()]
    shown = [(key, field) for key, field in found if not only or key in only]
    if not shown:
        return "It has no keys: write `{}`."
    schema = model.model_json_schema()
    properties = (schema if "properties" in schema else schema["$defs"][model.__name__])[
        "properties"
    ]
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, field in shown:
        if not field.description:
            raise ValueError(f"{model.__name__}.{key} has no description")
        value = words(properties[key])
        lines.append(f"| `{key}` | {value} | {_default(field)} | {field.description} |")
    return "\n".join(line.replace("\n", " ") for line in lines)


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{" + ", ".join(f"{key}: {inner}" for key, inner in value.items()) + "}`"
    return f"`{value}`"


def words(schema: dict[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    return ", or ".join(dict.fromkeys(filter(None, _options(schema))))


def _options(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        yield "a step" if name == "Step" else "a mapping, see below"
    elif "anyOf" in schema or "oneOf" in schema:
        for option in schema.get("anyOf") or schema["oneOf"]:
            yield from _options(option)
    elif "const" in schema:
        yield f"`{schema['const']}`"
    elif "enum" in schema:
        yield "one of " + ", ".join(f"`{word}`" for word in schema["enum"])
    elif schema.get("type") == "array":
        yield _list(schema)
    elif schema.get("type") == "object":
        inner = schema.get("additionalProperties", {})
        texts = isinstance(inner, dict) and inner.get("type") == "string"
        yield "a mapping of texts" if texts else "a mapping"
    elif schema.get("type") in ("integer", "number"):
        yield _number(schema)
    elif schema.get("pattern") == "\\$":
        yield "an expression"
    elif schema.get("type") == "string":
        yield "a name" if schema.get("pattern", "").startswith("^[A-Za-z]") else "text"
    elif schema.get("type") == "boolean":
        yield "`true` or `false`"
    elif schema.get("type") is None:
        yield "any value"


def _number(schema: dict[str, Any]) -> str:
    what = "a whole number" if schema["type"] == "integer" else "a number"
    bounds = [
        f"{word} {schema[key]:,}"
        for key, word in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema and schema[key] != types.MAX_NUMBER
    ]
    return " ".join([what, *bounds])


def _list(schema: dict[str, Any]) -> str:
    item = schema.get("items", {})
    if "maxItems" in schema and "anyOf" in item:
        if schema["minItems"] > 1:
            return ""  # both sides of three axes, told with those of fewer
        sides = " or side" if schema["maxItems"] > 3 else ""
        return f"a list with one for each axis{sides}"
    if item.get("type") == "integer":
        return "a list of whole numbers"
    if "$ref" in item and item["$ref"].endswith("/Step"):
        return "a list of steps"
    if item.get("type") == "array" and not item.get("items"):
        return "a list of lists"
    if item.get("type") in ("array", "number"):
        return "a list of lists of steps" if item["type"] == "array" else "a list of numbers"
    options = item.get("oneOf") or item.get("anyOf") or []
    if any(option.get("type") == "string" for option in options):
        return "a list of names, or of mappings, see [below](#several-values)"
    if options:
        return "a list of branches, each a list of steps or a mapping"
    inner = item.get("$ref", "").rsplit("/", 1)[-1]
    return f"a list of {inner.lower()}s, see below" if inner else "a list of names or words"


def activations() -> str:
    """The kinds of activation, as the operations define them."""
    found = {
        word: (ops.ACTIVATIONS[word].__doc__ or "").rstrip(".")
        for word in models.ACTIVATIONS
        if word != "none"
    }
    return rows({"none": "no activation: the step is left out", **found})


def rows(table: Any, code: bool = True) -> str:
    """A list of words and their meanings."""
    mark = "`" if code else ""
    return "\n".join(f"* {mark}{word}{mark}: {meaning}" for word, meaning in table.items())


if __name__ == "__main__":
    LANGUAGE.write_text(render(), encoding="utf-8")
    ERRORS.write_text(render_errors(), encoding="utf-8")
    SCHEMA.write_text(spec_schema.text(), encoding="utf-8")
