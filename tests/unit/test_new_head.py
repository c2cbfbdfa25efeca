"""Weights for another task: what starts afresh, what is adapted, and that all else stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.convert.ends import ends
from rescompile.convert.fitting import with_channels
from rescompile.convert.fresh import initial
from rescompile.reference.executor import run as execute
from rescompile.reference.weights import parameters, random_weights
from rescompile.verify.initial import surprises

SPEC = "resnet20_cifar"
Arrays = dict[str, Any]


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arrays:
    """Weights of ten classes, in the file given.npz of the folder where the test runs."""
    monkeypatch.chdir(tmp_path)
    return save(SPEC)


def save(spec: str, **changes: Any) -> Arrays:
    drawn = random_weights(open_spec(spec, **changes).analysis.elaborated, 5)
    arrays = {".".join(path): array.astype("f4") for path, array in drawn.items()}
    np.savez("given.npz", **arrays)
    return arrays


def convert(*words: str, spec: str = SPEC, code: int = 0) -> tuple[Arrays, str]:
    """What was written, by name, and what was printed."""
    done = CliRunner().invoke(
        main, ["convert", "given.npz", "--spec", spec, "-o", "made.npz", *words]
    )
    assert done.exit_code == code, done.output
    if code:
        assert not Path("made.npz").exists()
        return {}, done.output
    with np.load("made.npz") as stored:
        return {
            n: stored[n] for n in stored.files if not n.endswith("batches_tracked")
        }, done.output


def differing(given: Arrays, made: Arrays) -> set[str]:
    """The tensors that are not bit for bit what was given."""
    return {
        name
        for name, array in made.items()
        if name not in given
        or given[name].shape != array.shape
        or given[name].tobytes() != array.tobytes()
    }


def test_a_new_head_starts_afresh_and_all_else_stays(given: Arrays) -> None:
    made, said = convert("--classes", "4", "--new-head")
    assert differing(given, made) == {"linear.weight", "linear.bias"}
    assert made["linear.weight"].shape == (4, 64)
    assert not made["linear.bias"].any()
    assert said == (
        "taken from the file: 95 tensors\n"
        "started afresh, drawn with seed 0: 2 tensors\n"
        "  linear.weight  4 x 64, which is 10 x 64 in the file\n"
        "  linear.bias  4, which is 10 in the file\n"
        "wrote made.npz: 116 tensors\n"
    )


def test_without_it_a_head_that_differs_is_an_error_that_names_it(given: Arrays) -> None:
    _, said = convert("--classes", "4", code=1)
    assert "error[E303]: 2 tensors are not what the network has" in said
    assert "`--new-head`" in said


def test_a_head_that_fits_is_kept_and_that_is_said(given: Arrays) -> None:
    made, said = convert("--new-head")
    assert not differing(given, made)
    assert "note: the head fits as it is, so `--new-head` changes nothing of it" in said


def test_a_seed_chooses_the_draw(given: Arrays) -> None:
    words = ("--classes", "4", "--new-head")
    first, again = convert(*words)[0], convert(*words, "--seed", "0")[0]
    other = convert(*words, "--seed", "1")[0]
    assert not differing(first, again)
    assert differing(first, other) == {"linear.weight"}


def test_only_the_head_starts_afresh_by_itself(given: Arrays) -> None:
    """Weights of another width are no weights with another head."""
    _, said = convert("--set", "stages.layer3.channels=128", "--new-head", code=1)
    assert "E303" in said
    assert "linear" not in said


def test_what_is_missing_starts_afresh_in_the_head_alone(given: Arrays) -> None:
    for name in ("linear.weight", "layer3.2.bn2.bias"):
        np.savez("given.npz", **{n: array for n, array in given.items() if n != name})
        if name.startswith("linear"):
            assert differing(given, convert("--new-head")[0]) == {name}
            Path("made.npz").unlink()
        else:
            assert "'layer3.2.bn2.bias' 64" in convert("--new-head", code=1)[1]


@pytest.mark.parametrize("skip", ["layer3.2", "layer3.2.", "layer3.2.conv1"])
def test_what_is_skipped_starts_afresh(skip: str, given: Arrays) -> None:
    made, said = convert("--skip", skip)
    changed = differing(given, made)
    assert changed == {name for name in given if name.startswith(skip)}
    assert f"started afresh, drawn with seed 0: {len(changed)} tensor" in said
    net = open_spec(SPEC).analysis.elaborated
    paths = [tuple(name.split(".")) for name in changed]
    for path, array in initial(net, paths, 0, "float32").items():
        assert made[".".join(path)].tobytes() == array.tobytes()


def test_what_only_the_file_has_is_left_out(given: Arrays) -> None:
    np.savez(
        "given.npz",
        **{f"net.{n}": a for n, a in given.items()},
        **{"aux.fc.bias": given["linear.bias"]},
    )
    words = ("--rename", "net.=")
    assert "`--skip NAME` leaves them out" in convert(*words, code=1)[1]
    made, said = convert(*words, "--skip", "aux")
    assert not differing(given, made)
    assert "left out of the file: 1 tensor\n  aux.fc.bias\n" in said


def test_a_name_may_be_the_files_before_it_is_renamed(given: Arrays) -> None:
    np.savez("given.npz", **{f"net.{n}": a for n, a in given.items()})
    made, _ = convert("--rename", "net.=", "--skip", "net.linear")
    assert differing(given, made) == {"linear.weight", "linear.bias"}


def test_a_skip_of_nothing_is_an_error(given: Arrays) -> None:
    _, said = convert("--skip", "liner", code=1)
    assert "`--skip liner` skips nothing of the file and nothing of the network" in said
    assert "did you mean 'linear'?" in said


def test_a_file_of_which_nothing_is_left_is_an_error(given: Arrays) -> None:
    words = [
        w
        for part in ("conv1", "bn1", "layer1", "layer2", "layer3", "linear")
        for w in ("--skip", part)
    ]
    assert "error[E304]: nothing of the file is left to convert" in convert(*words, code=1)[1]


def test_grey_kernels_are_the_sum_and_say_the_same(given: Arrays) -> None:
    """A grey image gives what it gives as RGB."""
    made, said = convert("--channels", "1")
    assert differing(given, made) == {"conv1.weight"}
    assert "adapted: 1 tensor\n  conv1.weight: 3 input channels summed\n" in said
    np.testing.assert_allclose(
        made["conv1.weight"], given["conv1.weight"].sum(axis=1, keepdims=True), atol=1e-6
    )
    grey = np.random.default_rng(1).standard_normal((2, 1, 32, 32))
    few, many = (
        execute(open_spec(SPEC, channels=channels).analysis.elaborated, by_path(w), x).outputs[0]
        for channels, w, x in ((1, made, grey), (3, given, grey.repeat(3, axis=1)))
    )
    assert np.abs(few - many).max() < 1e-5 * np.abs(many).max()


def by_path(arrays: Arrays) -> Any:
    return {tuple(name.split(".")): array for name, array in arrays.items()}


@pytest.mark.parametrize("count", [2, 4, 6])
def test_more_channels_repeat_what_there_is(count: int, given: Arrays) -> None:
    made, _ = convert("--channels", str(count))
    assert differing(given, made) == {"conv1.weight"}
    wanted = np.concatenate([given["conv1.weight"]] * 2, axis=1)[:, :count] * np.float32(3 / count)
    np.testing.assert_array_equal(made["conv1.weight"], wanted)


def test_kernels_on_grey_images_see_the_mean_of_rgb(given: Arrays) -> None:
    save(SPEC, channels=1)
    made, said = convert("--new-head")
    assert "conv1.weight: 1 input channel repeated for 3, times 1/3" in said
    assert len({made["conv1.weight"][:, i].tobytes() for i in range(3)}) == 1


def test_channels_of_no_image_are_not_adapted(given: Arrays) -> None:
    save(SPEC, channels=6)
    assert (
        "'conv1.weight' is 16 x 6 x 3 x 3, not 16 x 3 x 3 x 3" in convert("--new-head", code=1)[1]
    )


def test_another_kernel_is_not_adapted(given: Arrays) -> None:
    _, said = convert("--channels", "1", "--set", "stem.conv1.conv.kernel=5", code=1)
    assert "'conv1.weight' is 16 x 3 x 3 x 3, not 16 x 1 x 5 x 5" in said


def test_a_type_that_no_network_has_is_refused_in_the_head_too(given: Arrays) -> None:
    np.savez("given.npz", **{**given, "linear.bias": np.zeros(10, "i4")})
    assert "'linear.bias' is of type int32" in convert("--classes", "4", "--new-head", code=1)[1]


def test_half_precision_is_summed_in_single(given: Arrays) -> None:
    kernel = np.array([2048, 1, 1], "f2").reshape(1, 3, 1, 1)
    assert with_channels(kernel, 1, 1).dtype == np.float16
    assert with_channels(kernel, 1, 1).item() == 2050  # 2048 + 1 is 2048 in half precision


HEADS = {
    "resnet20_cifar": ({"linear"}, {"conv1"}),
    "vgg16": ({"classifier.0", "classifier.3", "classifier.6"}, {"features.0"}),
    "googlenet": ({"fc"}, {"conv1.conv"}),
    "mobilenet_v3_small": ({"classifier.0", "classifier.3"}, {"features.0.0"}),
    "repvgg_a0": ({"linear"}, {"stage0.rbr_1x1.conv", "stage0.rbr_dense.conv"}),
    "densenet121": ({"classifier"}, {"features.conv0"}),
}


@pytest.mark.parametrize("spec", HEADS)
def test_where_a_network_begins_and_ends(spec: str) -> None:
    net = open_spec(spec).analysis.elaborated
    weighted = {".".join(path[:-1]) for path, _, _ in parameters(net)}
    head, stem = ends(net)
    assert (set(head) & weighted, set(stem)) == HEADS[spec]


INITS = """
defaults: {{init: {{conv: {{kind: {conv}}}, linear: {{kind: {linear}}}}}}}
stem:
  - conv: {{channels: 32, kernel: 3, bias: true}}
    name: conv1
  - norm: {{}}
    name: bn1
  - layer_scale: {{init: 0.25}}
    name: scale
head:
  - global_avg_pool: {{}}
  - linear: {{features: 300}}
    name: fc
"""


@pytest.mark.parametrize("linear", ["uniform_fan_in", "normal, std: 0.01", "lecun_uniform"])
@pytest.mark.parametrize("conv", ["kaiming_normal", "kaiming_normal, mode: fan_in"])
def test_what_starts_afresh_has_the_distribution_that_the_spec_says(
    conv: str, linear: str, write: Any
) -> None:
    """Judged as `verify` judges what the frameworks draw."""
    net = open_spec(str(write(INITS.format(conv=conv, linear=linear)))).analysis.elaborated
    drawn = initial(net, [path for path, _, _ in parameters(net)], 3, "float32")
    found = surprises(net, {".".join(path): array for path, array in drawn.items()})
    assert max(found.values(), key=lambda one: one.error).error < 4
    assert (drawn[("scale",)] == 0.25).all()
    assert (drawn[("bn1", "running_var")] == 1).all()
