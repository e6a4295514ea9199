"""The training loop against PyTorch's own pieces and against arithmetic on networks small enough for it."""

import inspect
import math
import os
import re
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from inception_lessons import data, training


@pytest.fixture(autouse=True)
def on_one_core(monkeypatch) -> Iterator[None]:
    """A second thread does not help networks this small, and waits long for its turn on a busy computer."""
    monkeypatch.setenv("INCEPTION_LESSONS_DEVICE", "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small_set(count: int, classes: int = 3, seed: int = 0, size: int = 6) -> data.ImageSet:
    """Noise in which a bright row, one for each class, is easy to learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    images = torch.randint(100, (count, 1, size, size), generator=generator, dtype=torch.uint8)
    images[torch.arange(count), 0, labels] += 150
    return data.ImageSet(images, labels, tuple("abcdef"[:classes]), "a test", torch.arange(count))


class SmallNet(nn.Sequential):
    """Convolution, batch norm, dropout and a dense layer: everything that needs a seed or a mode."""

    def __init__(self, classes: int = 3, dropout: float = 0.1) -> None:
        super().__init__(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(8 * 6 * 6, classes),
        )


def small_net(seed: int = 0, **options) -> SmallNet:
    with training.seeded(seed):
        return SmallNet(**options)


def trained(train: data.ImageSet, seed: int = 0, **options) -> tuple[SmallNet, training.History]:
    model = small_net(seed)
    options = {
        "epochs": 2,
        "batch_size": 10,
        "learning_rate": 0.05,
        "progress": False,
        "seed": seed,
    } | options
    return model, training.fit(model, train, **options)


# The device and the seed


def test_the_variable_overrides_the_device(monkeypatch):
    assert training.device() == torch.device("cpu")
    monkeypatch.delenv("INCEPTION_LESSONS_DEVICE")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert training.device() == torch.device("cuda")
    monkeypatch.setenv("INCEPTION_LESSONS_DEVICE", "cuda:1")
    assert training.device() == torch.device("cuda:1")
    monkeypatch.setenv("INCEPTION_LESSONS_DEVICE", "cpu")
    assert training.device() == torch.device("cpu")
    monkeypatch.delenv("INCEPTION_LESSONS_DEVICE")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert training.device() == torch.device("mps")


@pytest.mark.parametrize("wrong", ["gpu", "cuda:7", "CPU"])
def test_an_unknown_device_is_refused(monkeypatch, wrong):
    monkeypatch.setenv("INCEPTION_LESSONS_DEVICE", wrong)
    with pytest.raises(
        ValueError, match=f"INCEPTION_LESSONS_DEVICE is '{wrong}', but .* has .*'cpu'.*or remove it"
    ):
        training.device()


def test_seeded_repeats_inside_and_changes_nothing_outside():
    before = torch.random.get_rng_state()
    with training.seeded(5):
        first = torch.rand(3)
    assert torch.equal(torch.random.get_rng_state(), before)
    with training.seeded(5):
        assert torch.equal(torch.rand(3), first)
    with training.seeded(6):
        assert not torch.equal(torch.rand(3), first)
    with pytest.raises(RuntimeError), training.seeded(5):
        raise RuntimeError
    assert torch.equal(torch.random.get_rng_state(), before)


def test_fit_leaves_no_global_state():
    random, threads = torch.random.get_rng_state(), torch.get_num_threads()
    trained(small_set(30))
    assert torch.equal(torch.random.get_rng_state(), random)
    assert torch.is_grad_enabled() and torch.get_num_threads() == threads


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    train, test = small_set(60), small_set(30, seed=1)
    options = {"test": test, "flip": True, "shift": 1}
    first, one = trained(train, seed=3, **options)
    second, two = trained(train, seed=3, **options)
    _, other = trained(train, seed=4, **options)
    losses = [[step.loss for step in history.steps] for history in (one, two, other)]
    assert losses[0] == losses[1] != losses[2]
    assert [score[:4] for score in one.tests] == [score[:4] for score in two.tests]
    for mine, yours in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(mine, yours)


# The batches


def test_batches_pass_over_all_images_in_a_new_order_each_time():
    train = small_set(23)
    stream = training.batches(train, 5, torch.Generator().manual_seed(0))
    passes = []
    for _ in range(2):
        images = torch.cat([next(stream)[0] for _ in range(4)])
        passes.append([tuple(image.flatten().tolist()) for image in images])
        assert len(set(passes[-1])) == 20
    assert passes[0] != passes[1]
    assert set(passes[0]) <= {tuple(image.flatten().tolist()) for image in train.images}
    images, labels = next(stream)
    assert torch.equal(images[:, 0].float().mean(2).argmax(1), labels)


def test_flips_mirror_about_half_of_the_images_and_leave_the_others():
    images = small_set(1000).images
    flipped = training.flip_some(images, torch.Generator().manual_seed(0))
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    same = (flipped == images).flatten(1).all(1)
    assert (mirrored ^ same).all() and 430 < int(mirrored.sum()) < 570


def test_shifts_move_each_image_within_the_range_and_fill_with_black():
    images = torch.zeros(500, 2, 7, 9, dtype=torch.uint8)
    images[:, 0, 3, 4], images[:, 1, 3, 4] = 200, 100
    moved = training.shift_some(images, 2, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape and moved.dtype == torch.uint8
    assert (moved.sum((2, 3)) == torch.tensor([200, 100])).all()
    place = moved[:, 0].flatten(1).argmax(1)
    offsets = {(int(at) // 9 - 3, int(at) % 9 - 4) for at in place}
    assert offsets == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}
    corner = torch.full((200, 1, 5, 5), 9, dtype=torch.uint8)
    sums = training.shift_some(corner, 1, torch.Generator().manual_seed(0)).flatten(1).sum(1)
    assert set(sums.tolist()) == {9 * 25, 9 * 20, 9 * 16}


# The loss, the rate, the parameters


def test_auxiliary_heads_and_smoothing_enter_the_loss_as_the_papers_say():
    generator = torch.Generator().manual_seed(0)
    main, early, late = torch.randn(3, 8, 5, generator=generator)
    labels = torch.arange(8) % 5
    outputs = namedtuple("Outputs", ["logits", "aux_4a", "aux_4d", "features"])(main, early, late, "ignored")
    loss = training.classification_loss(outputs, labels, aux_weight=0.3, label_smoothing=0.1)

    def by_hand(logits):
        target = torch.full((8, 5), 0.1 / 5)
        target[torch.arange(8), labels] += 0.9
        return -(target * (logits - logits.logsumexp(1, keepdim=True))).sum(1).mean()

    torch.testing.assert_close(loss, by_hand(main) + 0.3 * (by_hand(early) + by_hand(late)))
    without = outputs._replace(aux_4a=None, aux_4d=None)
    torch.testing.assert_close(training.classification_loss(without, labels, 0.3, 0.1), by_hand(main))
    torch.testing.assert_close(
        training.classification_loss(main, labels, 0.3, 0.0), F.cross_entropy(main, labels)
    )


def test_torchvisions_auxiliary_outputs_are_recognised():
    from inception_lessons._torchvision import import_torchvision

    outputs = import_torchvision().models.GoogLeNetOutputs(*torch.eye(3)[:, None])
    labels = torch.tensor([0])
    expected = sum(w * F.cross_entropy(o, labels) for w, o in zip((1, 0.5, 0.5), outputs, strict=True))
    torch.testing.assert_close(training.classification_loss(outputs, labels, 0.5, 0.0), expected)


@pytest.mark.parametrize("steps", [11, 101, 900])
def test_one_cycle_is_torchs(steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    turn = 0.3 * (
        steps - 1
    )  # the step at the peak, counted from 0; torch puts it at pct_start * total_steps - 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.15, total_steps=steps, pct_start=(turn + 1) / steps, cycle_momentum=False
    )
    for step in range(steps):
        expected = optimizer.param_groups[0]["lr"]
        assert math.isclose(0.15 * training.one_cycle(step / (steps - 1)), expected, rel_tol=1e-9)
        optimizer.step()
        if step < steps - 1:
            schedule.step()


def test_weight_decay_is_for_weights_alone():
    model = SmallNet()
    weights, others = training.parameter_groups(model, 0.1)
    assert weights["weight_decay"] == 0.1 and others["weight_decay"] == 0.0
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    assert [named[id(parameter)] for parameter in weights["params"]] == ["0.weight", "5.weight"]
    assert [named[id(parameter)] for parameter in others["params"]] == [
        "0.bias",
        "1.weight",
        "1.bias",
        "5.bias",
    ]


# The loop


def test_steps_are_those_of_a_loop_written_with_torch_alone():
    # Without dropout, whose random numbers depend on the order of the pixels in memory.
    train, model, plain = small_set(40), small_net(dropout=0.0), small_net(dropout=0.0)
    options = {"learning_rate": 0.05, "weight_decay": 0.01, "clip": 0.5, "schedule": training.constant}
    history = training.fit(model, train, steps=7, batch_size=10, progress=False, **options)

    weights = [parameter for parameter in plain.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in plain.parameters() if parameter.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.01}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True)
    stream = training.batches(train, 10, torch.Generator().manual_seed(0))
    for step in history.steps:
        images, labels = next(stream)
        loss = F.cross_entropy(plain((images / 255 - 0.2860) / 0.3530), labels)
        assert math.isclose(step.loss, loss.item(), rel_tol=1e-4)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        optimizer.step()
    for mine, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


def test_history_has_a_row_for_every_step_and_every_test():
    train, test = small_set(47), small_set(30, seed=1)
    model, history = trained(train, test=test, epochs=5, test_every=2)
    assert [row.step for row in history.steps] == list(range(1, 21))  # 4 batches of 10 in each of 5 passes
    assert [row.epoch for row in history.steps] == [step / 4 for step in range(1, 21)]
    assert [row.step for row in history.tests] == [8, 16, 20]
    rates = [row.learning_rate for row in history.steps]
    assert max(rates) <= 0.05 and rates.index(max(rates)) in (5, 6) and rates[-1] < 1e-6
    seconds = [row.seconds for row in history.steps]
    assert all(later > earlier > 0 for earlier, later in zip(seconds, seconds[1:], strict=False))
    for row in history.steps:
        assert math.isclose(row.images_per_second, 10 * row.step / row.seconds)
    score = training.evaluate(model, test)
    assert (history.tests[-1].loss, history.tests[-1].top1) == (score.loss, score.top1)
    assert not model.training and not history.interrupted


def test_fit_learns_what_is_easy():
    _, history = trained(small_set(300), test=small_set(90, seed=1), epochs=4)
    assert history.tests[-1].top1 > 0.95
    assert history.steps[-1].loss < history.steps[0].loss / 3


def test_any_optimizer_of_torch_will_do():
    train = small_set(300)
    _, history = trained(train, optimizer=torch.optim.RMSprop, learning_rate=0.003)
    assert history.steps[-1].loss < history.steps[0].loss / 2


def test_a_network_with_auxiliary_heads_trains_and_tests():
    class TwoHeads(nn.Module):
        outputs = namedtuple("Outputs", ["logits", "aux_4a"])

        def __init__(self):
            super().__init__()
            self.main, self.aux = nn.Linear(36, 3), nn.Linear(36, 3)

        def forward(self, images):
            features = images.flatten(1)
            main = self.main(features)
            return self.outputs(main, self.aux(features)) if self.training else main

    def aux_change(**options):
        with training.seeded(0):
            model = TwoHeads()
        before = model.aux.weight.clone()
        options = {"steps": 5, "batch_size": 20, "weight_decay": 0.0, "progress": False} | options
        history = training.fit(model, small_set(60), small_set(30), **options)
        assert len(history.tests) == 2
        return (model.aux.weight - before).abs().sum().item()

    assert aux_change() > 0 == aux_change(aux_weight=0.0)


def test_interrupting_keeps_the_network_and_the_history():
    class Interrupted(SmallNet):
        calls = 0

        def forward(self, images):
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            return super().forward(images)

    model = Interrupted()
    history = training.fit(model, small_set(60), steps=9, batch_size=10, progress=False)
    assert history.interrupted and len(history.steps) == 3 and not model.training
    assert "stopped after 3 steps" in str(history)
    assert training.evaluate(model, small_set(30)).count == 30


def test_a_diverging_loss_is_an_error_with_its_step_and_a_remedy():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    with pytest.raises(
        training.TrainingDiverged, match=r"at step \d+, .*rate is too high; try learning_rate="
    ):
        training.fit(model, small_set(60), steps=60, batch_size=10, learning_rate=1e30, progress=False)
    assert not model.training
    nn.init.constant_(model[1].weight, math.nan)
    with pytest.raises(training.TrainingDiverged, match="loss is nan at step 1: look at the initial weights"):
        training.fit(model, small_set(60), steps=60, batch_size=10, progress=False)


def test_a_network_broken_by_its_last_step_is_noticed_in_the_test():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    with pytest.raises(training.TrainingDiverged, match="at step 1"):
        training.fit(
            model, small_set(60), small_set(30), steps=1, batch_size=10, learning_rate=1e38, progress=False,
            schedule=training.constant, optimizer=torch.optim.SGD,
        )  # fmt: skip


# The test


def test_evaluation_is_the_mean_over_all_images_in_eval_mode():
    model, images = small_net(0, dropout=0.9), small_set(37)
    model.train()
    model[1].eval()  # a module that somebody froze must stay frozen
    result = training.evaluate(model, images, batch_size=8)
    assert model.training and not model[1].training and model[3].training
    model.eval()
    logits = model((images.images / 255 - 0.2860) / 0.3530)
    assert math.isclose(result.loss, F.cross_entropy(logits, images.labels).item(), rel_tol=1e-5)
    right = sum(int(row.argmax()) == int(label) for row, label in zip(logits, images.labels, strict=True))
    assert (result.top1, result.count) == (right / 37, 37)
    torch.testing.assert_close(training.predict(model, images), logits.detach())


# The bar and the line


def test_one_line_at_the_end_goes_to_the_page_and_the_bar_does_not(capsys):
    trained(small_set(60), test=small_set(30), progress=True)
    shown = capsys.readouterr()
    assert shown.out.startswith("SmallNet: 12 steps (2.0 epochs) in ") and shown.out.count("\n") == 1
    assert "on cpu" in shown.out and "test top-1" in shown.out
    assert "/12" in shown.err
    trained(small_set(60), progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_one_environment_variable_hides_the_bar_alone(root):
    program = (
        "import sys; sys.path.insert(0, 'tests/modules'); import test_training as t; "
        "t.trained(t.small_set(60), progress=True)"
    )
    command = [sys.executable, "-c", program]
    environment = os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "/12" not in done.stderr and done.stdout.startswith("SmallNet: 12 steps")


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"epochs": None}, ValueError, "give either epochs or steps, got epochs=None and steps=None"),
        ({"steps": 3}, ValueError, "give either epochs or steps, got epochs=2 and steps=3"),
        ({"epochs": 0}, ValueError, "epochs must be greater than 0"),
        ({"epochs": math.nan}, ValueError, "epochs must be greater than 0"),
        ({"epochs": "3"}, TypeError, "epochs must be a number, got '3'"),
        ({"epochs": None, "steps": 0}, ValueError, "steps must be at least 1, got 0"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 61}, ValueError, "batch_size must be at most 60, the number of images, got 61"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be greater than 0"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate must be greater than 0 and finite, got inf"),
        ({"weight_decay": -1.0}, ValueError, "weight_decay must be at least 0"),
        ({"label_smoothing": 1.0}, ValueError, "label_smoothing must be at least 0 and less than 1, got 1.0"),
        ({"aux_weight": -0.3}, ValueError, "aux_weight must be at least 0"),
        ({"clip": 0}, ValueError, "clip must be greater than 0"),
        ({"shift": -1}, ValueError, "shift must be at least 0, got -1"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": 0.5}, TypeError, "seed must be an integer, got 0.5"),
        ({"test_every": 0}, ValueError, "test_every must be greater than 0 and finite, got 0"),
        ({"train": torch.zeros(3, 1, 6, 6)}, TypeError, "must be an ImageSet.*got Tensor"),
        ({"test": "test"}, TypeError, "must be an ImageSet.*got str"),
        ({"test": small_set(3).take(torch.arange(0))}, ValueError, "must have at least 1 image here, got 0"),
        ({"model": "googlenet"}, TypeError, "model must be a torch.nn.Module, got str"),
        (
            {"model": small_net(classes=2)},
            ValueError,
            "model gives 2 logits.*labels up to 2.*num_classes=3 or more",
        ),
        ({"model": nn.Conv2d(1, 3, 3)}, TypeError, r"must return logits \(N×K\).*got \(10, 3, 4, 4\)"),
        ({"model": nn.Flatten()}, ValueError, "model must have at least 1 trainable parameter, got 0"),
    ],
)
def test_nonsense_is_refused(options, error, message):
    arguments = {
        "model": small_net(),
        "train": small_set(60),
        "epochs": 2,
        "batch_size": 10,
        "progress": False,
    }
    with pytest.raises(error, match=message):
        training.fit(**(arguments | options))


def test_the_glossary_states_the_defaults_of_fit(root):
    entry = re.search(r"\nRecipe\n  (.*)", (root / "book" / "glossary.md").read_text(encoding="utf-8"))[1]
    default = {name: p.default for name, p in inspect.signature(training.fit).parameters.items()}
    assert f"batches of {default['batch_size']} images" in entry
    assert f"peak of {default['learning_rate']:g};" in entry
    assert f"weight decay of {default['weight_decay']:.4f} on" in entry
    assert (default["schedule"], default["optimizer"]) == (training.one_cycle, training.nesterov_sgd)
    update = training.nesterov_sgd([{"params": [torch.zeros(1, requires_grad=True)]}], lr=1.0)
    assert f"Nesterov momentum of {update.defaults['momentum']}" in entry and update.defaults["nesterov"]
    assert not default["flip"] and not default["shift"] and default["label_smoothing"] == 0
