"""Random networks from the command line: draw, check, and make a failing one small.

python -m tests.properties 17               the network of seed 17: print and check it
python -m tests.properties 17 --reduce      and make it small while it fails
python -m tests.properties 0 --count 500    those of seeds 0 to 499: a line for each failure
python -m tests.properties some.yaml        check a file
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from .bench import Bench
from .reduce import small
from .repair import draw, shown


def one(bench: Bench, seed: int, reduce: bool) -> None:
    files, repairs = draw(seed)
    answer = bench.ask_files(files)
    print(shown(files), f"# {repairs} repairs", answer.pop("detail", ""), answer, sep="\n")
    if reduce and answer["verdict"] == "failed":
        print(shown(small(bench, files, answer["what"])))


def many(bench: Bench, first: int, count: int, save: Path | None, seconds: float) -> None:
    verdicts: Counter[str] = Counter()
    found: dict[str, list[int]] = {}
    start = time.monotonic()
    for seed in range(first, first + count):
        files, repairs = draw(seed)
        answer = bench.ask_files(files)
        verdicts[answer["verdict"]] += 1
        verdicts["good as drawn"] += repairs == 0
        if answer["verdict"] == "refused":
            verdicts[str(answer["codes"][0])] += 1
        if answer["verdict"] != "failed":
            continue
        seeds = found.setdefault(answer["what"], [])
        seeds.append(seed)
        print(seed, answer["what"], flush=True)
        if save is not None and len(seeds) == 1:
            tiny = small(bench, files, answer["what"], seconds)
            name = f"{len(found):03}_seed{seed}.yaml"
            again = bench.ask_files(tiny)
            told = [answer["what"], *str(again.get("detail", "")).splitlines()[-25:]]
            head = "".join(f"# {line}\n" for line in told)
            save.mkdir(parents=True, exist_ok=True)
            (save / name).write_text(head + shown(tiny), "utf-8")
    print(f"{time.monotonic() - start:.0f} s", dict(verdicts))
    for what, seeds in sorted(found.items(), key=lambda pair: -len(pair[1])):
        print(len(seeds), what, seeds[:8])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject")
    parser.add_argument("--count", type=int)
    parser.add_argument("--reduce", action="store_true")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    with Bench() as bench:
        if given.subject.endswith(".yaml"):
            answer = bench.ask(Path(given.subject).resolve())
            print(answer.pop("detail", ""), answer, sep="\n")
        elif given.count is None:
            one(bench, int(given.subject), given.reduce)
        else:
            many(bench, int(given.subject), given.count, given.save, given.seconds)


if __name__ == "__main__":
    main()
