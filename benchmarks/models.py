"""How fast emitted networks are beside those written by hand: `python benchmarks/models.py`.

Each emitted network runs beside the one of the same architecture in torchvision or
keras.applications: the forward pass in evaluation, and a training step (forward, backward, SGD). In
PyTorch it also runs in channels_last memory, beside itself without; in onnxruntime, the graph of
functions runs beside the flat one that torch.onnx.export makes. A figure is the ratio of the least
process times of interleaved runs on one thread, so that whatever else the machine does counts for
neither. The runs are divided into groups; the spread is from the least to the greatest ratio of a
group. Times of two machines cannot be compared, their ratios can.

Needs torch with torchvision, keras with tensorflow, or torch with onnxscript and onnxruntime. Each
framework has a process of its own.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
TORCHVISION = {  # ours -> theirs
    "resnet50_v1_5": "resnet50",
    "googlenet": "googlenet",
    "densenet121": "densenet121",
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3_large",
    "efficientnet_b0": "efficientnet_b0",
    "convnext_tiny": "convnext_tiny",
    "regnet_y_400mf": "regnet_y_400mf",
    "shufflenet_v2_x1_0": "shufflenet_v2_x1_0",
}
KERAS = {
    "mobilenet_v2": "MobileNetV2",
    "xception": "Xception",
    "densenet121": "DenseNet121",
}
ONNX = {"resnet34": "torch.onnx.export"}
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}
Job = Callable[[], Any]


def torch_jobs(ours: str, theirs: str, batch: int) -> Iterator[tuple[str, Job, Job]]:
    """What is measured of a network in PyTorch: its name, and both ways of doing it."""
    import torch
    import torchvision

    from rescompile.api import open_spec

    torch.set_num_threads(1)
    net = open_spec(ours)
    extra = {"aux_logits": False} if theirs in ("googlenet", "inception_v3") else {}
    known = getattr(torchvision.models, theirs)(weights=None, **extra)
    made = net.module("torch")
    made.load_state_dict(known.state_dict())
    _, height, width = net.analysis.network.input
    images = torch.randn(batch, 3, height, width)
    labels = torch.arange(batch)

    def arranged(model: Any) -> Any:
        last = next(model.parameters()).is_contiguous(memory_format=torch.channels_last)
        return images.to(memory_format=torch.channels_last) if last else images

    def forward(model: Any) -> Job:
        given = arranged(model)

        def run() -> None:
            model.eval()
            with torch.no_grad():
                model(given)

        return run

    def step(model: Any) -> Job:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
        given = arranged(model)

        def run() -> None:
            model.train()
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(given), labels).backward()
            optimizer.step()

        return run

    yield "forward", forward(made), forward(known)
    yield "step", step(made), step(known)
    last = copy.deepcopy(made).to(memory_format=torch.channels_last)
    yield "channels_last forward", forward(last), forward(made)
    yield "channels_last step", step(last), step(made)


def keras_jobs(ours: str, theirs: str, batch: int) -> Iterator[tuple[str, Job, Job]]:
    """The same in Keras on TensorFlow, compiled as `fit` and `predict` compile a model."""
    import keras
    import numpy as np

    from rescompile.api import open_spec

    net = open_spec(ours)
    _, height, width = net.analysis.network.input
    shape = (height, width, 3)
    known = getattr(keras.applications, theirs)(
        weights=None, input_shape=shape, classifier_activation=None
    )
    made = net.module("keras")
    images = np.random.default_rng(0).standard_normal((batch, *shape)).astype("float32")
    labels = np.arange(batch)
    for model in (made, known):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(1e-6), loss)
    yield "forward", lambda: made.predict_on_batch(images), lambda: known.predict_on_batch(images)
    yield (
        "step",
        lambda: made.train_on_batch(images, labels),
        lambda: known.train_on_batch(images, labels),
    )


def onnx_jobs(ours: str, theirs: str, batch: int) -> Iterator[tuple[str, Job, Job]]:
    """The emitted graph with its functions beside the one that torch.onnx.export makes, flat."""
    import io

    import numpy as np
    import onnxruntime
    import torch

    from rescompile.api import open_spec
    from rescompile.registry import get_backend

    net, runtime = open_spec(ours), get_backend("onnx").runtime()
    torch.set_num_threads(1)
    known, made = net.module("torch").eval(), net.module("onnx")
    weights = get_backend("torch").runtime().get_weights(known, net.analysis)
    runtime.set_weights(made, net.analysis, weights)
    images = np.random.default_rng(0).standard_normal((batch, *net.analysis.network.input))
    given, file = torch.from_numpy(images.astype("float32")), io.BytesIO()
    torch.onnx.export(
        known, (given,), dynamo=True, dynamic_shapes=({0: "batch"},), verbose=False
    ).save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        for data in (made.SerializeToString(), file.getvalue())
    ]

    def forward(session: Any) -> Job:
        start = {session.get_inputs()[0].name: given.numpy()}
        return lambda: session.run(None, start)

    yield "forward", forward(sessions[0]), forward(sessions[1])


def ratios(ours: Job, theirs: Job, rounds: int, groups: int) -> list[float]:
    """The ratio of least process times in each group of interleaved rounds."""
    found: list[float] = []
    for group in range(groups):
        least = [float("inf"), float("inf")]
        for turn in range(rounds + (group == 0)):
            for i, job in enumerate((ours, theirs)):
                start = time.process_time()
                job()
                taken = time.process_time() - start
                if turn or group:  # the first run allocates, and compiles
                    least[i] = min(least[i], taken)
        found.append(least[0] / least[1])
    return found


def measure(framework: str, ours: str, rounds: int, groups: int, batch: int) -> None:
    """In a process of its own: a line of JSON for each job."""
    jobs, known = COMPARED[framework]
    for name, one, other in jobs(ours, known[ours], batch):
        print(json.dumps({"job": name, "ratios": ratios(one, other, rounds, groups)}), flush=True)


COMPARED = {
    "torch": (torch_jobs, TORCHVISION),
    "keras": (keras_jobs, KERAS),
    "onnx": (onnx_jobs, ONNX),
}


def child(framework: str, network: str, rounds: int, groups: int, batch: int) -> list[Any]:
    """The lines that such a process prints."""
    code = "import sys; sys.path.insert(0, 'benchmarks'); import models as m; m.measure"
    code += f"({framework!r}, {network!r}, {rounds}, {groups}, {batch})"
    paths = f"{ROOT}{os.pathsep}{ROOT / 'backends'}"
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": paths}
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    if made.returncode:
        raise SystemExit(f"{network} could not be measured in {framework}")
    return [json.loads(line) for line in made.stdout.splitlines() if line.startswith("{")]


@click.command()
@click.option("--framework", type=click.Choice([*COMPARED]), help="One of them alone.")
@click.option("--network", "networks", multiple=True, help="A network by its name here.")
@click.option("--rounds", default=4, show_default=True, help="Runs of each job in a group.")
@click.option("--groups", default=3, show_default=True, help="Groups, each with a ratio.")
@click.option("--batch", default=4, show_default=True, help="Images at once.")
def main(
    framework: str | None, networks: tuple[str, ...], rounds: int, groups: int, batch: int
) -> None:
    """Compare emitted networks with those of torchvision and keras.applications, and exports."""
    found = {name: known for name, (_, known) in COMPARED.items()}
    unknown = set(networks).difference(*found.values())
    if unknown:
        raise click.UsageError(f"not compared here: {', '.join(sorted(unknown))}")
    for name in [framework] if framework else list(found):
        for network in [n for n in found[name] if not networks or n in networks]:
            for line in child(name, network, rounds, groups, batch):
                each = sorted(line["ratios"])
                middle = each[len(each) // 2]
                click.echo(
                    f"{name:<6} {network:<20} {line['job']:<22} {middle:.3f} "
                    f"({each[0]:.3f} to {each[-1]:.3f})"
                )


if __name__ == "__main__":
    main()
