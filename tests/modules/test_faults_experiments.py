"""Experiments whose process is killed, at every step of a write and at moments in between: what is on disk is
whole at any time, and a last call ends with the result of an uninterrupted one.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

from inception_lessons import experiments, records
from inception_lessons.data import ImageSet, fashion_mnist
from inception_lessons.experiments import __main__ as command
from inception_lessons.experiments import running
from inception_lessons.records import Experiment, RecordError, Setting

pytestmark = pytest.mark.slow

TOY = Experiment(
    "Does a lower rate change anything?",
    {"usual": Setting("lenet_lesson"), "timid": Setting("lenet_lesson", recipe={"learning_rate": 1e-6})},
    2,
    {"steps": 3, "batch_size": 8, "learning_rate": 0.1, "schedule": "constant", "test_every": None},
)
TIMES = {"seconds", "images_per_second", "milliseconds"}
STEPS = ((tempfile, "mkstemp"), (os, "fsync"), (os, "chmod"), (os, "replace"))
"""The calls of which a write consists, in order."""


@cache
def images() -> tuple[ImageSet, ImageSet]:
    return fashion_mnist("train").subset(32), fashion_mnist("test").subset(20)


def run(folder: Path) -> None:
    experiments.run_experiment("toy", TOY, folder, *images(), command="toy")


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: int, count: int, after: bool) -> None:
    """Let this process die at the `count`-th call of a step of writing, before or after it."""
    module, name = STEPS[step]
    call, calls = getattr(module, name), itertools.count(1)

    def deadly(*arguments: object, **options: object) -> object:
        last = next(calls) == count
        if last and not after:
            die()
        result = call(*arguments, **options)
        if last:
            die()
        return result

    setattr(module, name, deadly)


def in_a_process(folder: Path, prepare: tuple | float) -> str:
    """Run the experiment in a copy of this process that dies; return how it ended and what it left."""
    child = os.fork()
    if child == 0:
        if isinstance(prepare, tuple):
            die_at(*prepare)
        else:
            signal.signal(signal.SIGALRM, die)
            signal.setitimer(signal.ITIMER_REAL, prepare)
        try:
            run(folder)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = {path.name: len(records.read(path).runs) for path in folder.glob("toy*.json")}
    return json.dumps({"how": status, "left": left, "files": len(list(folder.iterdir()))})


def main(folder: Path) -> None:
    """Kill at every step of the first and the last write, then at moments; print each outcome."""
    running.BATCH = 1  # the time of a forward pass is no subject here
    run(folder / "whole")
    began = time.monotonic()
    run(folder / "timed")
    whole = time.monotonic() - began
    for number, (step, count, after) in enumerate(itertools.product(range(4), (1, 5), (False, True))):
        (folder / str(number)).mkdir()
        print(in_a_process(folder / str(number), (step, count, after)))
        run(folder / str(number))
    (folder / "often").mkdir()
    for part in range(1, 13):
        print(in_a_process(folder / "often", whole * part / 12))
    run(folder / "often")


def measured(folder: Path) -> list:
    """What does not depend on the clock, run by run."""
    return [
        (run.setting, run.seed, {key: value for key, value in run.values.items() if key not in TIMES})
        for run in sorted(records.read(folder / "toy.json").runs, key=lambda run: (run.setting, run.seed))
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork to copy a process with")
def test_killed_at_any_moment_a_record_is_whole_or_absent_and_ends_as_if_nothing_had_been(tmp_path, root):
    done = subprocess.run(
        [sys.executable, "-m", "tests.modules.test_faults_experiments", tmp_path],
        capture_output=True, text=True, cwd=root, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # a fork copies one thread, and would wait for the others
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    at_a_step, at_a_moment = outcomes[:16], outcomes[16:]
    assert [one["how"] for one in at_a_step] == [-signal.SIGKILL] * 16 and len(at_a_moment) == 12
    killed = [one for one in at_a_moment if one["how"] != 0]
    assert len(killed) >= 2 and {one["how"] for one in killed} == {-signal.SIGKILL}
    assert {sum(one["left"].values()) for one in at_a_step} >= {0, 1, 4}
    assert any(one["files"] > len(one["left"]) for one in at_a_step), "some died with a file half-written"
    expected = measured(tmp_path / "whole")
    assert len(expected) == 4 and len({values["train_loss"] for _, _, values in expected}) == 4
    for folder in tmp_path.iterdir():
        assert measured(folder) == expected
        assert [path.name for path in folder.iterdir()] == ["toy.json"]


# A record edited by hand


def change(content: dict, *keys: object, to: object) -> None:
    *way, last = keys
    for key in way:
        content = content[key]
    content[last] = to


EDITS = {
    "a result": lambda record: change(record, "runs", 0, "values", "top1", to=0.99),
    "its last digit": lambda record: change(record, "runs", 3, "values", "top1", to=0.5000000000000001),
    "a failure hidden": lambda record: record["runs"][1]["values"].pop("failure"),
    "a seed": lambda record: change(record, "runs", 2, "seed", to=7),
    "a bad run left out": lambda record: record["runs"].pop(),
    "a good run twice": lambda record: record["runs"].append(record["runs"][0]),
    "a setting": lambda record: change(record, "runs", 0, "setting", to="timid"),
    "the date": lambda record: change(record, "runs", 0, "conditions", "date", to="2020-01-01"),
    "the recipe": lambda record: change(record, "definition", "recipe", "steps", to=5),
    "the command": lambda record: change(record, "command", to="another"),
    "the seal": lambda record: change(record, "sha256", to="0" * 64),
    "no seal": lambda record: record.pop("sha256"),
}


@pytest.mark.parametrize("name", ["toy.json", "toy.partial.json"])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_record_is_refused_and_its_remedy_works(tmp_path, monkeypatch, capsys, edit, name):
    monkeypatch.setitem(records.EXPERIMENTS, "toy", TOY)
    monkeypatch.setattr(command, "fashion_mnist", lambda split, source: None)
    results = itertools.cycle([{"top1": 0.5, "seconds": 1.0}, {"failure": "diverged", "seconds": 1.0}])
    monkeypatch.setattr(running, "train_once", lambda *arguments: next(results))
    arguments = ["toy", "--folder", str(tmp_path)]
    assert command.main(arguments) == 0
    path = (tmp_path / "toy.json").rename(tmp_path / name)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError):
        records.read(path)
    capsys.readouterr()
    assert command.main(arguments) == 1, "what was edited must not be mixed with new runs"
    said = capsys.readouterr().err
    assert str(path) in said
    assert "restore it, or remove it and make it again: python -m inception_lessons.experiments toy\n" in said
    path.unlink()
    assert command.main(arguments) == 0 and len(records.read(tmp_path / "toy.json").runs) == 4


if __name__ == "__main__":
    main(Path(sys.argv[1]))
