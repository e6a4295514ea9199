"""Experiments: a run is the same whenever it is run, and a stopped record goes on to the same result."""

import dataclasses
import inspect
import json

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import experiments, records
from inception_lessons.data import fashion_mnist
from inception_lessons.experiments import __main__ as command
from inception_lessons.experiments import networks, running
from inception_lessons.measure import measure, receptive_field
from inception_lessons.papers import GOOGLENET_MODULES
from inception_lessons.records import Experiment, Setting
from inception_lessons.training import batches, fit, seeded

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
TIMES = {"seconds", "images_per_second", "milliseconds"}


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


@pytest.mark.slow
def test_of_a_partial_record_of_another_definition_the_unchanged_settings_are_used(
    tmp_path, images, monkeypatch
):
    def partial(**changes):
        stale = running.records.files.as_json({**TOY.definition(), **changes})
        runs = tuple(records.Run(setting, 0, {"top1": 0.1}, {}) for setting in TOY.settings)
        records.write(records.Record("toy", "", stale, runs), tmp_path / "toy.partial.json")

    monkeypatch.setattr(running, "train_once", lambda *arguments: {"top1": 0.5})
    settings = TOY.definition()["settings"]
    partial(settings=settings | {"timid": settings["wild"]})
    found = {run.setting: run.values["top1"] for run in run(tmp_path, images).runs if run.seed == 0}
    assert found == {"usual": 0.1, "timid": 0.5, "wild": 0.1}
    monkeypatch.setattr(running, "train_once", lambda *arguments: {"top1": 0.7})
    more = dataclasses.replace(TOY, seeds=3)
    extended = experiments.run_experiment("toy", more, tmp_path, *images, command="toy").runs
    assert sorted(run.values["top1"] for run in extended if run.seed == 2) == [0.7] * 3
    assert all(run.values["top1"] != 0.7 for run in extended if run.seed < 2)
    monkeypatch.setattr(running, "train_once", lambda *arguments: {"top1": 0.5})
    for change in ({"recipe": {"steps": 5}}, {"source": "original"}):
        partial(**change)
        assert {r.values["top1"] for r in run(tmp_path, images).runs} == {0.5}


@pytest.mark.slow
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


LADDER = {
    "naive": {},
    "reduced": {"module": "reduced"},
    "heads": {"module": "reduced", "aux": True},
    "norm": {"module": "reduced", "batch_norm": True},
    "double": {"module": "double", "batch_norm": True},
    "asymmetric": {"module": "double", "batch_norm": True, "asymmetric": True},
    "parallel": {"module": "double", "batch_norm": True, "asymmetric": True, "reduction": "parallel"},
}


@pytest.mark.parametrize("options", LADDER.values(), ids=LADDER)
def test_every_step_from_googlenet_to_v3_is_counted_as_torch_counts_it(options):
    net = networks.build("inception_steps", **options)
    images = torch.zeros(2, 1, 28, 28)
    with FlopCounterMode(display=False) as counter:
        logits = net.eval()(images)
    assert logits.shape == (2, 10)
    report = measure(net, (2, 1, 28, 28))
    assert 2 * report.macs == counter.get_total_flops()
    outputs = net.train()(images)
    assert hasattr(outputs, "aux_b") == options.get("aux", False)
    assert report.parameters == sum(p.numel() for p in net.parameters())


def test_each_step_changes_what_it_says_and_nothing_else():
    macs = {
        name: measure(networks.build("inception_steps", **o).eval(), (1, 1, 28, 28)).macs
        for name, o in LADDER.items()
    }
    assert macs["heads"] == macs["reduced"] < macs["naive"]
    assert macs["norm"] == macs["reduced"], "batch norm is no convolution"
    kinds = {
        name: [type(m).__name__ for m in networks.build("inception_steps", **o).body.values()]
        for name, o in LADDER.items()
    }
    assert kinds["double"] == [
        "InceptionDouble3",
        "InceptionDouble3",
        "MaxPool2d",
        "InceptionDouble3",
        "InceptionDouble3",
    ]
    assert [
        kind for kind, before in zip(kinds["asymmetric"], kinds["double"], strict=True) if kind != before
    ] == ["AsymmetricInception"]
    assert [
        kind for kind, before in zip(kinds["parallel"], kinds["asymmetric"], strict=True) if kind != before
    ] == ["ReductionDouble3"]


@pytest.mark.parametrize("grid", [28, 14, 7])
def test_large_kernels_see_the_same_and_cost_what_the_chapter_derives(grid):
    nets = {
        form: networks.build("large_kernels", grid=grid, form=form).eval()
        for form in ("direct", "asymmetric", "stacked")
    }
    inner = {
        form: sum(m.weight.numel() for m in net.modules() if isinstance(m, nn.Conv2d)) - 16 * 9
        for form, net in nets.items()
    }
    assert inner == {"direct": 2 * 49 * 256, "asymmetric": 2 * 14 * 256, "stacked": 2 * 27 * 256}
    extents = set()
    for net in nets.values():
        field = receptive_field(nn.Sequential(*list(net)[:-3]), (1, 1, 28, 28))
        extents.add((field.size, field.jump))
    assert len(extents) == 1


@pytest.mark.parametrize("norm", [False, True])
def test_nine_modules_are_googlenets_and_heads_change_no_other_weight(norm):
    nets = {}
    for aux in (False, True):
        with seeded(0):
            nets[aux] = networks.build("nine_modules", batch_norm=norm, aux=aux)
    keys = {key for key, stage in nets[True].body.items() if list(stage.parameters())}
    assert keys == {"conv1", *GOOGLENET_MODULES}
    bare, headed = (net.state_dict() for net in nets.values())
    assert {key.split(".")[0] for key in set(headed) - set(bare)} == {"aux"}
    assert all(torch.equal(bare[key], headed[key]) for key in bare)
    images, grids = torch.zeros(2, 1, 28, 28), {}
    for key, stage in nets[True].body.items():
        stage.register_forward_hook(lambda *call, key=key: grids.update({key: call[2].shape[-1]}))
    with FlopCounterMode(display=False) as counter:
        assert nets[True].eval()(images).shape == (2, 10)
    assert 2 * measure(nets[True], (2, 1, 28, 28)).macs == counter.get_total_flops()
    assert all(grids[key] == row.grid for key, row in GOOGLENET_MODULES.items() if key not in ("3a", "3b"))
    assert (grids["conv1"], grids["3a"], grids["3b"]) == (14, 14, 14)


@pytest.mark.slow
@pytest.mark.parametrize("aux", [False, True])
def test_recorded_gradients_are_those_of_the_loss_on_the_next_batch(images, aux):
    train, test = images
    setting = Setting("nine_modules", {"batch_norm": True, "aux": aux})
    recipe = {"steps": 2, "batch_size": 8, "test_every": None, "learning_rate": 1e-12}
    found = running.train_once(setting, recipe | {"gradients_at": (0, 1)}, 3, train, test)["gradients"]
    assert list(found) == ["conv1", *GOOGLENET_MODULES]
    with seeded(3):
        net = running.built(setting, 1, 10).train()
    order = batches(train, 8, torch.Generator().manual_seed(3))
    with seeded(3):  # as `fit` does, for the dropout in the heads
        for at in range(2):
            pictures, labels = next(order)
            outputs = net(train.normalise(pictures))
            heads = list(outputs) if aux else [outputs]
            net.zero_grad()
            for logits, weight in zip(heads, (1, 0.3, 0.3), strict=False):
                (weight * nn.functional.cross_entropy(logits, labels)).backward(retain_graph=True)
            for key, sizes in found.items():
                squares = [p.grad.square() for p in net.body[key].parameters() if p.ndim == 4]
                mean = sum(s.sum() for s in squares) / sum(s.numel() for s in squares)
                assert sizes[at] == pytest.approx(mean.sqrt().item(), rel=2e-3)
                assert float(f"{sizes[at]:.4g}") == sizes[at]


@pytest.mark.slow
def test_nothing_but_the_recipe_asks_for_gradients(images):
    recipe = {"steps": 1, "batch_size": 8, "test_every": None}
    assert "gradients" not in running.train_once(Setting("googlenet_lesson"), recipe, 0, *images)


def test_networks_of_experiments_refuse_nonsense():
    with pytest.raises(ValueError, match="asymmetric=True needs batch_norm=True"):
        networks.build("inception_steps", asymmetric=True)
    with pytest.raises(ValueError, match="did you mean 'reduced'"):
        networks.build("inception_steps", module="reduce")
    with pytest.raises(ValueError, match="grid must be 28, 14 or 7, got 13"):
        networks.build("large_kernels", grid=13)
    with pytest.raises(ValueError, match="did you mean 'direct'"):
        networks.build("large_kernels", form="dirct")


@pytest.mark.slow
@pytest.mark.parametrize("name", records.EXPERIMENTS)
def test_a_record_still_describes_the_networks_of_today(name):
    """Parameters and MACs as recorded: else the record is stale in a way that its definition hides."""
    record, experiment = records.load(name), records.EXPERIMENTS[name]
    for key, setting in experiment.settings.items():
        with torch.device("meta"):
            report = measure(running.built(setting, 1, 10).eval(), (1, 1, 28, 28))
        assert {(run.values["parameters"], run.values["macs"]) for run in record.of(key)} == {
            (report.parameters, report.macs)
        }


@pytest.mark.parametrize("name", records.EXPERIMENTS)
def test_the_recipes_of_an_experiment_are_arguments_of_fit(name):
    experiment = records.EXPERIMENTS[name]
    accepted = inspect.signature(fit).parameters
    for setting in experiment.settings.values():
        recipe = dict(experiment.recipe) | dict(setting.recipe)
        assert set(recipe) <= {*accepted, "gradients_at"}
        assert {value for value in recipe.values() if isinstance(value, str)} <= set(running.FUNCTIONS)
