"""The JSON Schema: current, a good draft 2020-12, and of one mind with the compiler."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.errors import SpecError
from rescompile.language.models import Model, Spec
from rescompile.language.schema import schema
from rescompile.language.yaml import read

SPECS = Path(__file__).parents[2] / "specs"
FILES = sorted(SPECS.rglob("*.yaml"))
SCHEMA = SPECS / "schema.json"
GOOD: dict[str, Any] = {
    "rescompile": 1,
    "name": "mine",
    "input": {"height": 32, "width": 32},
    "stem": [
        {"conv": {"channels": "$n * 2", "kernel": [3, 1], "padding": "same"}, "name": "conv1"},
        {"residual": {"branch": [{"norm": {}}], "shortcut": "identity"}},
        {"concat": [[], [{"activation": {"kind": "relu"}}]]},
    ],
    "parameters": {"n": 4},
}
CONV = GOOD["stem"][0]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def test_the_committed_schema_is_current(request: pytest.FixtureRequest) -> None:
    printed = CliRunner().invoke(main, ["schema"]).output
    if request.config.getoption("rewrite"):
        SCHEMA.write_text(printed, encoding="utf-8")
    assert SCHEMA.read_text("utf-8") == printed


def test_it_is_a_schema_of_its_draft() -> None:
    made = schema()
    assert made["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(made)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SPECS)))
def test_a_shipped_file_is_valid_and_names_the_schema(
    path: Path, validator: Draft202012Validator
) -> None:
    validator.validate(read(path.read_bytes(), path.name).plain())
    first, key, place = path.read_text("utf-8").splitlines()[0].partition("$schema=")
    assert (first, key) == ("# yaml-language-server: ", "$schema=")
    assert (path.parent / place).resolve() == SCHEMA.resolve()


def test_every_key_of_every_model_is_described() -> None:
    defs = schema()["$defs"]
    for model in (Spec, *(kind for kind in Model.__subclasses__() if kind.__name__ in defs)):
        for key, field in defs[model.__name__]["properties"].items():
            assert field.get("description"), f"{model.__name__}.{key}"


def test_the_good_one_is_good(validator: Draft202012Validator, tmp_path: Path) -> None:
    validator.validate(GOOD)
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert open_spec(str(path)).analysis.elaborated.root.layers > 0


@pytest.mark.parametrize(
    "change",
    [
        {"rescompile": 2},
        {"name": "my-net"},
        {"input": {"height": 32}},
        {"input": [3, 32, 32]},
        {"classes": "ten"},
        {"stage": []},
        {"stages": {"layer1": {}}},
        {"stem": [{**CONV, "nam": "conv1"}]},
        {"stem": [{**CONV, "norm": {}}]},
        {"stem": [{"name": "conv1"}]},
        {"stem": [{"convv": {}}]},
        {"stem": [{"norm": None}]},
        {"stem": ["flatten"]},
        {"stem": [{"conv": 64}]},
        {"stem": [{"conv": {"channels": 8}}]},
        {"stem": [{"conv": {"channels": 8.5, "kernel": 3}}]},
        {"stem": [{"conv": {"channels": "8", "kernel": 3}}]},
        {"stem": [{"conv": {"channels": 8, "kernel": [3, 3, 3, 3]}}]},
        {"stem": [{"conv": {"channels": 8, "kernel": 3, "stride": 0}}]},
        {"stem": [{"conv": {"channels": 8, "kernel": 3, "bias": "yes"}}]},
        {"stem": [{"conv": {"channels": 8, "kernel": 3, "padding": "valid"}}]},
        {"stem": [{"activation": {"kind": "rellu"}}]},
        {"stem": [{"residual": {"branch": [], "shortcut": "projektion"}}]},
        {"blocks": {"unit": {"about": "nothing"}}},
        {"blocks": {"unit": {"body": [], "sequence": []}}},
        {"claims": [{"layers": 34, "where": "Table 1"}]},
        {"claims": [{"where": "Table 1"}]},
        {"defaults": {"norm": {"momentum": 1.9}}},
        {"use": "blocks/residual"},
        {"extends": "../resnet34"},
    ],
    ids=str,
)
def test_a_wrong_one_is_refused_by_both(
    change: dict[str, Any], validator: Draft202012Validator, tmp_path: Path
) -> None:
    wrong = {**copy.deepcopy(GOOD), **change}
    assert not validator.is_valid(wrong)
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(SpecError):
        open_spec(str(path)).analysis  # noqa: B018


@pytest.mark.parametrize(
    "change",
    [
        {"stages": {"layer3": {"repeat": 9}}},
        {"stem": {"conv1": {"conv": {"kernel": 5}}}},
        {"input": {"height": 64}},
        {"defaults": {"norm": {"momentum": 0.01}}},
        {"head": []},
    ],
    ids=str,
)
def test_a_change_of_another_spec_says_only_what_differs(
    change: dict[str, Any], validator: Draft202012Validator, tmp_path: Path
) -> None:
    given = {"rescompile": 1, "extends": "resnet34", "name": "mine", **change}
    validator.validate(given)
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(given), encoding="utf-8")
    assert open_spec(str(path)).analysis.elaborated.root.layers > 0
    assert not validator.is_valid({**given, "stage": []})


def test_a_library_has_keys_of_its_own(validator: Draft202012Validator) -> None:
    library = {"rescompile": 1, "about": "One.", "blocks": {"unit": {"body": [{"norm": {}}]}}}
    validator.validate(library)
    assert not validator.is_valid({**library, "abuot": "One."})
    assert not validator.is_valid({**library, "blocks": []})


def test_a_call_takes_what_steps_do_as_arguments(
    validator: Draft202012Validator, tmp_path: Path
) -> None:
    steps = [{"conv": {"channels": "$conv", "kernel": 3}}, {"norm": {"kind": "$norm"}}]
    parameters = {"conv": {"type": "int"}, "norm": {"type": "str"}, "split": {"default": 2}}
    unit = {"parameters": parameters, "body": [*steps, {"max_pool": {"kernel": "$split"}}]}
    call = {"name": "a", "block": "unit", "conv": 4, "norm": "layer"}
    spec = {**GOOD, "blocks": {"unit": unit}, "stages": [call]}
    change = {
        "rescompile": 1,
        "extends": "mine",
        "name": "other",
        "stages": {"a": {"norm": "batch"}},
    }
    for given, file in ((spec, "mine.yaml"), (change, "other.yaml")):
        validator.validate(given)
        (tmp_path / file).write_text(json.dumps(given), encoding="utf-8")
        assert open_spec(str(tmp_path / file)).analysis.elaborated.root.layers > 0
