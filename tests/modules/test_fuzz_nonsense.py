"""Nonsense for every public function that needs torch: only errors that its docstring names."""

import inspect
import tracemalloc

import pytest
import torch
from torch import nn

from inception_lessons import blocks, costs, data, measure, models, papers, training, weights
from inception_lessons.models import list_models
from tests.nonsense import INSIDE, NONSENSE, Call, failures

pytestmark = pytest.mark.slow

TENSORS = (
    torch.zeros(()),
    torch.zeros(3),
    torch.tensor(float("nan")),
    torch.zeros(0, 3),
    torch.zeros(1, 2, 3, 4, 5),
    nn.ReLU(),
    torch.device("cpu"),
)
SWITCHES = ("flip", "compile", "batch_norm")
"""Arguments without a default that are read as yes or no; a tensor of several numbers is neither."""


def none_fails(calls: dict[str, Call], least: int, nonsense: tuple[object, ...] = NONSENSE + TENSORS) -> None:
    made, failed = failures(calls, nonsense)
    assert not failed, "\n".join(failed)
    assert made >= least


def flat() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 2))


IMAGES = data.ImageSet(
    images=torch.zeros(8, 1, 28, 28, dtype=torch.uint8),
    labels=torch.arange(8) % 2,
    classes=("a", "b"),
    source="here",
    index=torch.arange(8),
)
CONV = nn.Conv2d(3, 4, 3)


def test_every_public_function_is_here():
    """So that a new one is not left out. Classes of `measure` are what its functions return."""
    functions = {name for name in measure.__all__ if inspect.isfunction(getattr(measure, name))}
    assert functions == {"compare_times", "measure", "peak_memory", "receptive_field", "time_module"}
    own = {
        name
        for name, value in vars(training).items()
        if inspect.isfunction(value) and value.__module__ == training.__name__ and name[0] != "_"
    }
    assert own == {
        "augmented", "batches", "classification_loss", "constant", "device", "evaluate", "fit", "flip_some",
        "logits_of", "nesterov_sgd", "one_cycle", "parameter_groups", "predict", "seeded", "shift_some",
        "training_step",
    }  # fmt: skip


# -- measuring ----------------------------------------------------------------------------------------------


def count(module, input):
    """Raises as `measure`: CannotMeasureError."""
    return measure.measure(module, input)


def count_keywords(kwargs, formulas=None):
    """Raises as `measure`: CannotMeasureError."""
    return measure.measure(CONV, kwargs=kwargs, formulas=formulas)


def peak(module, input, kwargs=None):
    return measure.peak_memory(module, input, kwargs=kwargs)


def one_time(module, input):
    return measure.time_module(module, input, repeats=1, warmup=0)


def times_of(modules, input):
    return measure.compare_times(modules, input, repeats=1, warmup=0)


def test_measuring_nonsense():
    on = {"module": CONV, "input": (1, 3, 9, 9)}
    report = measure.measure(flat(), (1, 1, 28, 28))
    none_fails(
        {
            "measure": Call(count, on),
            "measure by keyword": Call(count_keywords, {"kwargs": {"input": (1, 3, 9, 9)}}),
            "receptive_field": Call(measure.receptive_field, on),
            "peak_memory": Call(peak, on),
            "time_module": Call(one_time, on),
            "compare_times": Call(times_of, {"modules": {"a": CONV}, "input": (1, 3, 9, 9)}),
            "fold": Call(report.fold, {"depth": 1}),
            "table": Call(report.table, {"depth": 1}),
            "a row": Call(report.__getitem__, {"name": "0"}),
        },
        500,
    )


@pytest.mark.parametrize("name", ["repeats", "warmup"])
def test_a_number_of_passes_must_be_one(name):
    for value in (-1, 1.5, "3", None, True):
        with pytest.raises((TypeError, ValueError), match=name):
            measure.time_module(CONV, (1, 3, 9, 9), **{name: value})


# -- training -----------------------------------------------------------------------------------------------


def seeds(seed):
    with training.seeded(seed):
        pass


def one_batch(train, batch_size, generator):
    return next(training.batches(train, batch_size, generator))


def one_step_of_fit(**arguments):
    """Raises as `fit`: TrainingDiverged."""
    model = arguments.pop("model", None) or flat()
    return training.fit(model, **arguments)


one_step_of_fit.__signature__ = inspect.Signature(
    [p.replace(kind=p.KEYWORD_ONLY) for p in inspect.signature(training.fit).parameters.values()]
)


def test_training_with_nonsense():
    generator, net = torch.Generator(), flat()
    images, labels = torch.zeros(4, 1, 28, 28), torch.zeros(4, dtype=torch.long)
    groups = training.parameter_groups(net, 0.1)
    update = torch.optim.SGD(net.parameters(), lr=0.1)
    loss = {"outputs": torch.zeros(4, 2), "labels": labels, "aux_weight": 0.3, "label_smoothing": 0.1}
    step = {"model": net, "update": update, "images": images, "labels": labels, "learning_rate": 0.01}
    moved = {"images": images, "generator": generator}
    none_fails(
        {
            "seeded": Call(seeds, {"seed": 1}),
            "batches": Call(one_batch, {"train": IMAGES, "batch_size": 2, "generator": generator}),
            "augmented": Call(training.augmented, {**moved, "flip": True, "shift": 2}, left=SWITCHES),
            "flip_some": Call(training.flip_some, moved),
            "shift_some": Call(training.shift_some, {**moved, "pixels": 2}),
            "classification_loss": Call(training.classification_loss, loss),
            "logits_of": Call(training.logits_of, {"outputs": torch.zeros(4, 2)}),
            "one_cycle": Call(training.one_cycle, {"progress": 0.5}),
            "parameter_groups": Call(training.parameter_groups, {"model": net, "weight_decay": 0.1}),
            "nesterov_sgd": Call(training.nesterov_sgd, {"parameters": groups, "lr": 0.1}),
            "training_step": Call(training.training_step, step, left=("model", "images")),
            "evaluate": Call(training.evaluate, {"model": net, "dataset": IMAGES}),
            "predict": Call(training.predict, {"model": net, "dataset": IMAGES}),
        },
        600,
    )
    for name in ("model", "images"):  # what a model says to tensors that it does not take is its own
        for item in NONSENSE:
            with pytest.raises(TypeError, match=name):
                training.training_step(**{**step, name: item})


def test_fitting_to_nonsense():
    """Callables that the caller gives may raise what they like; steps without end are what was asked for."""
    usual = {"model": None, "train": IMAGES, "steps": 1, "batch_size": 2, "progress": False}
    left = ("model", "schedule", "optimizer", "steps", "epochs")
    none_fails({"fit": Call(one_step_of_fit, usual, left=left)}, 300)
    for name in ("schedule", "optimizer"):
        with pytest.raises(TypeError, match=f"{name} must be a function, got 1.5"):
            training.fit(flat(), IMAGES, steps=1, batch_size=2, **{name: 1.5})
    for name, value in ((n, v) for n in ("steps", "epochs") for v in (-1, 0, float("nan"), "3", [], 1j)):
        with pytest.raises((TypeError, ValueError), match=name):
            training.fit(flat(), IMAGES, batch_size=2, progress=False, **{name: value})


def test_millions_of_steps_take_no_memory_before_the_first(monkeypatch):
    """The steps to test after are not written down one by one: for so many that was 100 MB."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "training_step", stop)
    tracemalloc.start()
    try:
        history = training.fit(flat(), IMAGES, IMAGES, steps=2_000_000, batch_size=8, progress=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    assert history.interrupted and history.steps == []


# -- images, weights, networks ------------------------------------------------------------------------------


def test_images_and_weights_of_nonsense():
    parts = {name: getattr(IMAGES, name) for name in ("images", "labels", "classes", "source", "index")}
    with torch.device("meta"):
        net = models.get_model("googlenet", variant="torchvision", aux=False)
    none_fails(
        {
            "ImageSet": Call(data.ImageSet, parts),
            "an item": Call(IMAGES.__getitem__, {"position": 0}),
            "normalise": Call(IMAGES.normalise, {"images": IMAGES.images}),
            "to": Call(IMAGES.to, {"device": "cpu"}),
            "take": Call(IMAGES.take, {"positions": torch.tensor([0, 1])}),
            "subset": Call(IMAGES.subset, {"count": 2}),
            "split": Call(IMAGES.split, {"count": 2}),
            "resized": Call(IMAGES.resized, {"size": 9}),
            "fashion_mnist": Call(data.fashion_mnist, {"split": "test"}),
            "find": Call(weights.find, {"net": net, "weights": "DEFAULT"}),
            "preprocessing": Call(weights.preprocessing, {"net": net, "weights": "DEFAULT"}),
            "load": Call(weights.load, {"net": net, "weights": None}),
            "zero_rim": Call(weights.zero_rim, {"weight": torch.zeros(1, 1, 3, 3), "kernel_size": 5}),
            "deploy": Call(models.deploy, {"model": flat(), "compile": False}, left=SWITCHES),
            "get_model": Call(models.get_model, {"name": "lenet"}),
            "get_model_builder": Call(models.get_model_builder, {"name": "lenet"}),
        },
        500,
    )


def test_blocks_of_nonsense():
    sizes = {"in_channels": 3, "out_channels": 4, "kernel_size": 3}
    none_fails(
        {
            "ConvReLU": Call(blocks.ConvReLU, sizes),
            "SeparableStem": Call(
                blocks.SeparableStem, {**sizes, "stride": 2, "batch_norm": False}, left=SWITCHES
            ),
            "from_imagenet_statistics": Call(blocks.from_imagenet_statistics, {"x": torch.zeros(1, 3, 4, 4)}),
        },
        200,
    )


WITH_OPTIONS_OF_THEIR_OWN = sorted(
    {
        str(inspect.signature(models.get_model_builder(name))): name for name in reversed(list_models())
    }.values()
)
"""The first network of each list of options: the VGGs are all built by one class."""


@pytest.mark.parametrize("name", WITH_OPTIONS_OF_THEIR_OWN)
def test_networks_of_nonsense(name, monkeypatch):
    """On the meta device, where what is legal costs nothing; every option of every network."""
    for start in ("uniform_", "normal_", "constant_", "zeros_", "ones_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, start, lambda tensor, *_, **__: tensor)
    for start in ("xavier_uniform_", "kaiming_uniform_", "kaiming_normal_"):
        monkeypatch.setattr(nn.init, start, lambda tensor, *_, **__: tensor)
    builder = models.get_model_builder(name)

    def build(**options):
        with torch.device("meta"):
            return builder(**options)

    build.__signature__, build.__doc__ = inspect.signature(builder), builder.__doc__
    none_fails({name: Call(build)}, 6, INSIDE)


@pytest.mark.parametrize("name", ["lenet_lesson", "googlenet_lesson", "nin_lesson"])
def test_networks_refuse_other_inputs_in_words(name):
    """Wrong ranks, channels and sizes; what is no tensor at all is a TypeError."""
    net = models.get_model(name).eval()
    assert net(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    for shape in [(), (28,), (28, 28), (1, 28, 28), (1, 2, 28, 28), (1, 1, 1, 28), (1, 1, 28, 28, 1)]:
        with pytest.raises(ValueError, match="x must"):
            net(torch.zeros(shape))
    for item in (None, 1, "x", [[0]]):
        with pytest.raises(TypeError, match="x must be Tensor"):
            net(item)


def test_inception_modules_of_nonsense():
    from inception_lessons.models.googlenet import Inception, NaiveInception  # shadowed by its builder

    row = papers.GOOGLENET_MODULES["3a"]
    arguments = {"in_channels": 9, "widths": row}
    none_fails({kind.__name__: Call(kind, arguments) for kind in (Inception, NaiveInception)}, 150)
    assert costs.inception_out_channels(row, 9) == Inception(9, row).out_channels
