"""Experiments: a run is the same whenever it is run, and a stopped record goes on to the same result."""

import json

import pytest

from inception_lessons import experiments, records
from inception_lessons.data import fashion_mnist
from inception_lessons.experiments import __main__ as command
from inception_lessons.experiments import running
from inception_lessons.records import Experiment, Setting

TOY = Experiment(
    "Does a lower rate change anything?",
    {
        "usual": Setting("googlenet_lesson"),
        "timid": Setting("googlenet_lesson", recipe={"learning_rate": 1e-6}),
        "wild": Setting("googlenet_lesson", recipe={"learning_rate": 1e30}),
    },
    2,
    {"steps": 4, "batch_size": 8, "learning_rate": 0.1, "schedule": "constant", "test_every": None},
)
TIMES = {"seconds", "images_per_second"}


@pytest.fixture(scope="module")
def images():
    return fashion_mnist("train").subset(64), fashion_mnist("test").subset(50)


def measured(record):
    """What does not depend on the clock, run by run."""
    return [
        (run.setting, run.seed, {key: value for key, value in run.values.items() if key not in TIMES})
        for run in record.runs
    ]


def run(folder, images):
    return experiments.run_experiment("toy", TOY, folder, *images, command="toy")


@pytest.mark.slow
def test_a_record_stopped_after_any_run_goes_on_to_the_same_result(tmp_path, images, monkeypatch):
    whole = run(tmp_path / "whole", images)
    folder, once = tmp_path / "stopped", running.train_once
    calls = []

    def stops_often(*arguments):
        calls.append(arguments)
        if len(calls) % 2 == 0:
            raise KeyboardInterrupt
        return once(*arguments)

    monkeypatch.setattr(running, "train_once", stops_often)
    for _ in range(20):
        try:
            resumed = run(folder, images)
            break
        except KeyboardInterrupt:
            assert not (folder / "toy.json").exists(), "an unfinished record must not look finished"
    assert measured(resumed) == measured(whole)
    assert [path.name for path in folder.iterdir()] == ["toy.json"]
    assert len(calls) == 6 + 5, "six runs, and five that were stopped: none is run twice"


@pytest.mark.slow
def test_settings_and_seeds_reach_the_training(tmp_path, images):
    record = run(tmp_path, images)
    (usual, other), (timid, _) = record.of("usual"), record.of("timid")
    assert usual.values["first_loss"] == timid.values["first_loss"] != other.values["first_loss"]
    assert usual.values["train_loss"] != timid.values["train_loss"]
    assert record.failures("wild") == 2 and "too high" in record.of("wild")[0].values["failure"]
    assert usual.values["parameters"] == 61_610 and 0 <= usual.values["top1"] <= 1
    assert usual.conditions["device"] and usual.conditions["threads"] >= 1


def test_a_partial_record_of_another_definition_is_not_used(tmp_path, images, monkeypatch):
    stale = records.Record("toy", "", {"question": "another"}, (records.Run("usual", 0, {}, {}),))
    records.write(stale, tmp_path / "toy.partial.json")
    monkeypatch.setattr(running, "train_once", lambda *arguments: {"top1": 0.5})
    assert len(run(tmp_path, images).runs) == 6 and run(tmp_path, images).of("usual")[0].values


def test_the_command_lists_refuses_and_records(tmp_path, images, monkeypatch, capsys):
    monkeypatch.setitem(records.EXPERIMENTS, "toy", TOY)
    monkeypatch.setattr(command, "fashion_mnist", lambda split, source: images[split == "test"])
    values = {"top1": 0.5, "seconds": 1.0}
    monkeypatch.setattr(running, "train_once", lambda *arguments: values)
    assert (
        command.main([]) == 0
        and "toy: Does a lower rate change anything? (6 runs)" in capsys.readouterr().out
    )
    assert command.main(["toyy"]) == 1 and "did you mean 'toy'" in capsys.readouterr().err
    assert command.main(["toy", "--folder", str(tmp_path)]) == 0
    assert "0.5000" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "toy.json").read_text())["runs"]) == 6
