"""Training, from top to bottom: the device, the seed, the batches, the loss, the loop, the test.

The defaults are the recipe of this book's lesson-size networks: SGD with Nesterov momentum, a one-cycle
learning rate, weight decay on the weights of convolutions and dense layers alone.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from inception_lessons._check import instance, members, non_negative, number, positive, size
from inception_lessons.data import ImageSet

DEVICE_VARIABLE = "INCEPTION_LESSONS_DEVICE"
"""Environment variable that overrides the choice of `device()`."""


class TrainingDiverged(ArithmeticError):
    """The loss became infinite or not a number; the message says when, and what most likely helps."""


# The device and the seed


def device() -> torch.device:
    """Return where to compute: CUDA if there is a GPU, else Apple's MPS, else the CPU.

    Raises:
        ValueError: `INCEPTION_LESSONS_DEVICE` names something that is not here.
    """
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    available = [*(["cuda"] if cuda else []), *cuda, *mps, "cpu"]
    chosen = os.environ.get(DEVICE_VARIABLE) or available[0]
    if chosen not in available:
        raise ValueError(
            f"{DEVICE_VARIABLE} is {chosen!r}, but this computer has {', '.join(map(repr, available))}: "
            "set it to one of these, or remove it"
        )
    return torch.device(chosen)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch draw the same random numbers inside on every run; its global state stays as it was.

    Build a network inside to begin with the same weights every time.

    Raises:
        ValueError, TypeError: `seed` is no integer of 0 to 2⁶³ − 1.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        torch.manual_seed(size("seed", seed, 0))
        try:
            yield
        finally:
            if mps is not None:
                torch.mps.set_rng_state(mps)


# The batches


def batches(train: ImageSet, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield uint8 images (N×C×H×W) and labels (N) for ever, shuffled anew for every pass.

    The images left over at the end of a pass are dropped, because batch norm needs batches of one size.

    Raises:
        TypeError: `train` is no `ImageSet`, `generator` no `torch.Generator`.
        ValueError: `batch_size` is below 1, or there are fewer images.
    """
    instance("generator", generator, torch.Generator)
    if positive("batch_size", batch_size) > len(instance("train", train, ImageSet)):
        raise ValueError(f"batch_size must be at most {len(train)}, the number of images, got {batch_size}")
    while True:
        order = torch.randperm(len(train), generator=generator).to(train.images.device)
        for positions in order.split(batch_size)[: len(train) // batch_size]:
            yield train.images[positions], train.labels[positions]


def augmented(images: Tensor, flip: bool, shift: int, generator: torch.Generator) -> Tensor:
    """Return the images, some mirrored and moved by chance: other pixels, the same things.

    Errors are those of `flip_some` and `shift_some`.
    """
    _check_images(images, generator)
    _check_shift("shift", shift, images)
    if flip:
        images = flip_some(images, generator)
    if shift:
        images = shift_some(images, shift, generator)
    return images


def flip_some(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror every second image, left to right, by chance.

    Raises:
        TypeError: `images` are no tensor, or `generator` is no `torch.Generator`.
        ValueError: `images` have another shape than N×C×H×W.
    """
    _check_images(images, generator)
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(3), images)


def shift_some(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to `pixels` up or down and left or right, by chance; what comes in is black.

    Raises:
        TypeError: as `flip_some`, or `pixels` is no integer.
        ValueError: as `flip_some`, or `pixels` is below 0 or larger than the images.
    """
    _check_images(images, generator)
    _check_shift("pixels", pixels, images)
    count, _, height, width = images.shape
    padded = F.pad(images, (pixels, pixels, pixels, pixels))
    top, left = torch.randint(2 * pixels + 1, (2, count), generator=generator).to(images.device)
    rows = (top[:, None] + torch.arange(height, device=images.device))[:, :, None]  # N×H×1
    columns = (left[:, None] + torch.arange(width, device=images.device))[:, None, :]  # N×1×W
    image = torch.arange(count, device=images.device)[:, None, None]  # N×1×1
    return padded.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)  # N×C×H×W


# The loss


def classification_loss(outputs: object, labels: Tensor, aux_weight: float, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy in nats, plus `aux_weight` times that of every auxiliary head.

    `outputs` are logits (N×K), or a named tuple with a field `logits` and any number of fields `aux_…`.

    Raises:
        ValueError: not as many labels as rows of logits, a label without a logit, or a number out of its
            range.
        TypeError: something of another kind.
    """
    _check_between("aux_weight", aux_weight, 0, math.inf, or_equal=True)
    _check_between("label_smoothing", label_smoothing, 0, 1, or_equal=True)
    _check_logits(logits_of(outputs), labels)
    cross_entropy = partial(F.cross_entropy, target=labels, label_smoothing=label_smoothing)
    loss = cross_entropy(logits_of(outputs))
    for name in getattr(outputs, "_fields", ()):
        if name.startswith("aux_") and getattr(outputs, name) is not None:
            loss = loss + aux_weight * cross_entropy(getattr(outputs, name))
    return loss


def logits_of(outputs: object) -> Tensor:
    """Return the logits (N×K) of a network's main head."""
    logits = getattr(outputs, "logits", outputs)
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise TypeError(f"model must return logits (N×K) or a named tuple with a field logits, got {shape}")
    return logits


# The learning rate and what weight decay applies to


def one_cycle(progress: float, warmup: float = 0.3) -> float:
    """Return the factor of the peak rate at `progress` (0 to 1): from 1/25 up to 1, then down to almost 0.

    Two half-waves of a cosine, with the numbers of `torch.optim.lr_scheduler.OneCycleLR` (Smith,
    arXiv:1708.07120).

    Raises:
        ValueError, TypeError: `progress` or `warmup` is no number from 0 to 1.
    """
    _check_between("warmup", warmup, 0, 1, or_equal=True)
    if not 0 <= number("progress", progress) <= 1:
        raise ValueError(f"progress must be from 0 to 1, got {progress}")
    if progress < warmup:
        low, part = 1 / 25, progress / warmup
    else:
        low, part = 1 / 250_000, (1 - progress) / (1 - warmup)
    return low + (1 - low) * (1 - math.cos(math.pi * part)) / 2


def constant(progress: float) -> float:
    """Return 1: the same rate at every step."""
    return 1.0


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Return the trainable parameters in two groups: weights decay, biases and batch norm do not.

    Weights have two dimensions or more; biases and what batch norm learns have one.

    Raises:
        ValueError: nothing in `model` is trainable, or `weight_decay` is below 0.
        TypeError: `model` is no module.
    """
    instance("model", model, nn.Module)
    _check_between("weight_decay", weight_decay, 0, math.inf, or_equal=True)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise ValueError("model must have at least 1 trainable parameter, got 0: set requires_grad on some")
    weights = [parameter for parameter in trainable if parameter.ndim >= 2]
    others = [parameter for parameter in trainable if parameter.ndim < 2]
    return [{"params": weights, "weight_decay": float(weight_decay)}, {"params": others, "weight_decay": 0.0}]


def nesterov_sgd(parameters: list[dict], lr: float) -> torch.optim.SGD:
    """Return stochastic gradient descent with Nesterov momentum of 0.9.

    Raises:
        ValueError, TypeError: `parameters` are no groups such as `parameter_groups` gives, or `lr` is not
            above 0.
    """
    groups = members("parameters", parameters)
    if not groups or not all(isinstance(group, dict) and "params" in group for group in groups):
        raise TypeError(f"parameters must be groups as parameter_groups gives them, got {parameters!r}")
    _check_between("lr", lr, 0, math.inf)
    return torch.optim.SGD(parameters, lr=float(lr), momentum=0.9, nesterov=True)


# The loop


class Step(NamedTuple):
    """One training step."""

    step: int
    """The first is 1."""
    epoch: float
    """Passes over the training images so far."""
    loss: float
    """Of this batch, in nats, auxiliary heads included."""
    learning_rate: float
    seconds: float
    """Of training so far, without tests."""
    images_per_second: float
    """Mean of training so far."""


class Score(NamedTuple):
    """What the network reached on the test images after some step of training."""

    step: int
    epoch: float
    loss: float
    """Mean cross-entropy in nats, main head, no smoothing."""
    top1: float
    """Share of the images whose class has the highest logit."""
    seconds: float
    """Of training so far."""


@dataclass
class History:
    """What happened in `fit`."""

    model: str
    device: str
    seed: int
    batch_size: int
    steps: list[Step] = field(default_factory=list)
    tests: list[Score] = field(default_factory=list)
    interrupted: bool = False
    """Whether the user stopped before the last step."""

    def __str__(self) -> str:
        if not self.steps:
            return f"{self.model}: stopped before the first step"
        last = self.steps[-1]
        test = f", test top-1 {self.tests[-1].top1:.3f}" if self.tests else ""
        return (
            f"{self.model}: {'stopped after ' if self.interrupted else ''}{last.step:,} steps "
            f"({last.epoch:.1f} epochs) in {last.seconds:.0f} s on {self.device}, "
            f"{last.images_per_second:,.0f} images/s; loss {last.loss:.3f}{test}"
        )


def fit(
    model: nn.Module,
    train: ImageSet,
    test: ImageSet | None = None,
    *,
    epochs: float | None = None,
    steps: int | None = None,
    batch_size: int = 96,
    learning_rate: float = 0.15,
    schedule: Callable[[float], float] = one_cycle,
    optimizer: Callable[..., torch.optim.Optimizer] = nesterov_sgd,
    weight_decay: float = 5e-4,
    label_smoothing: float = 0.0,
    aux_weight: float = 0.3,
    clip: float | None = None,
    flip: bool = False,
    shift: int = 0,
    seed: int = 0,
    test_every: float | None = 1,
    progress: bool = True,
) -> History:
    """Train `model` on `train` and return what happened; the model ends on `device()` and in eval mode.

    The same seed gives the same numbers on the same CPU with the same number of threads. Interrupt it
    (Ctrl-C, or the stop button) and you keep the network and the history so far.

    Args:
        model: gives logits (N×K), or a named tuple with `logits` and auxiliary heads `aux_…`.
        test: images to test on, after every `test_every` epochs and at the end.
        epochs: passes over the training images; give either this or `steps`.
        learning_rate: the peak, which `schedule` multiplies by a factor for the progress from 0 to 1.
        optimizer: called with `parameter_groups` and `lr=learning_rate`, such as `torch.optim.Adam`.
        weight_decay: for weights, not for biases and batch norm.
        label_smoothing: share of the target that is spread over all classes.
        aux_weight: weight of each auxiliary loss (0.3 in GoogLeNet, arXiv:1409.4842, section 5).
        clip: the largest norm of all gradients together.
        flip: mirror every second image, left to right, by chance.
        shift: move every image by up to so many pixels, by chance.
        seed: of the order, flips, shifts and dropout; `seeded` is for the initial weights.
        test_every: in epochs, which may be a fraction; None tests at the end alone.
        progress: show a bar while training and one line at the end. The environment variable `TQDM_DISABLE=1`
            hides the bar alone, as the book's build does.

    Raises:
        ValueError, TypeError: an argument makes no sense.
        TrainingDiverged: the loss became infinite or not a number.
    """
    _check_sets(model, train, test)
    _check_between("learning_rate", learning_rate, 0, math.inf)
    _check_between("weight_decay", weight_decay, 0, math.inf, or_equal=True)
    _check_between("label_smoothing", label_smoothing, 0, 1, or_equal=True)
    _check_between("aux_weight", aux_weight, 0, math.inf, or_equal=True)
    for name, function in (("schedule", schedule), ("optimizer", optimizer)):
        if not callable(function):
            raise TypeError(f"{name} must be a function, got {function!r}")
    if clip is not None:
        _check_between("clip", clip, 0, math.inf)
    _check_shift("shift", shift, train.images)
    if positive("batch_size", batch_size) > len(train):
        raise ValueError(f"batch_size must be at most {len(train)}, the number of images, got {batch_size}")
    steps_per_epoch = len(train) // batch_size
    steps = _number_of_steps(epochs, steps, steps_per_epoch)
    steps_per_test = steps
    if test_every is not None:
        _check_between("test_every", test_every, 0, math.inf)
        steps_per_test = max(1, round(steps_per_epoch * test_every))

    where = device()
    model.to(where, memory_format=torch.channels_last).train()
    train = train.to(where)
    update = optimizer(parameter_groups(model, weight_decay), lr=learning_rate)
    generator = torch.Generator().manual_seed(size("seed", seed, 0))
    endless = batches(train, batch_size, generator)
    history = History(type(model).__name__, str(where), seed, batch_size)
    hidden = {} if progress else {"disable": True}  # not disable=False: it would overrule TQDM_DISABLE
    seconds = 0.0
    try:
        with tqdm(total=steps, unit="step", leave=False, **hidden) as bar, seeded(seed):
            for step in range(1, steps + 1):
                began = time.perf_counter()
                images, labels = next(endless)
                images = _ready(train, augmented(images, flip, shift, generator))
                rate = learning_rate * schedule((step - 1) / max(steps - 1, 1))
                loss = training_step(
                    model, update, images, labels, rate,
                    aux_weight=aux_weight, label_smoothing=label_smoothing, clip=clip,
                )  # fmt: skip
                _check_finite(loss, step, rate)
                seconds += time.perf_counter() - began
                epoch = step / steps_per_epoch
                history.steps.append(Step(step, epoch, loss, rate, seconds, step * batch_size / seconds))
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
                bar.update()
                if test is not None and (step == steps or step % steps_per_test == 0):
                    score = evaluate(model, test)
                    _check_finite(score.loss, step, rate)
                    history.tests.append(Score(step, epoch, score.loss, score.top1, seconds))
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        model.eval()
    if progress:
        print(history)
    return history


def training_step(
    model: nn.Module,
    update: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    learning_rate: float,
    *,
    aux_weight: float = 0.3,
    label_smoothing: float = 0.0,
    clip: float | None = None,
) -> float:
    """Change the parameters once, against the gradient of the loss of one batch; return that loss.

    What `model` itself raises for images that it does not take passes through.

    Raises:
        ValueError: a label has no logit, or a number is out of its range.
        TypeError: something of another kind.
    """
    instance("model", model, nn.Module)
    instance("update", update, torch.optim.Optimizer)
    instance("images", images, Tensor)
    _check_between("learning_rate", learning_rate, 0, math.inf, or_equal=True)
    if clip is not None:
        _check_between("clip", clip, 0, math.inf)
    for group in update.param_groups:
        group["lr"] = float(learning_rate)
    outputs = model(images)
    loss = classification_loss(outputs, labels, aux_weight, label_smoothing)
    update.zero_grad()
    loss.backward()
    if clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    update.step()
    return loss.item()


def _ready(dataset: ImageSet, images: Tensor) -> Tensor:
    """Return uint8 images as the network wants them: normalised floats, channels last in memory.

    With one channel both memory formats are the same to torch, and only a copy makes it choose the faster
    one.
    """
    return dataset.normalise(images).clone(memory_format=torch.channels_last)


# The test


class Evaluation(NamedTuple):
    """What a network reached on a set of images."""

    loss: float
    """Mean cross-entropy in nats, main head."""
    top1: float
    """Share of the images whose class has the highest logit."""
    count: int
    """Images."""


def evaluate(model: nn.Module, dataset: ImageSet, batch_size: int = 500) -> Evaluation:
    """Return loss and accuracy of `model` in eval mode on all of `dataset`; its modes are left as they were.

    Raises:
        ValueError: `dataset` is empty or has classes for which `model` has no logit.
    """
    logits, labels = predict(model, dataset, batch_size), dataset.labels.cpu()
    _check_logits(logits, labels)
    top1 = (logits.argmax(1) == labels).double().mean().item()
    return Evaluation(F.cross_entropy(logits, labels).item(), top1, len(labels))


def predict(model: nn.Module, dataset: ImageSet, batch_size: int = 500) -> Tensor:
    """Return the logits of `model` in eval mode for all of `dataset` (N×K, on the CPU)."""
    _check_sets(model, dataset, None)
    where = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            chunks = dataset.images.split(size("batch_size", batch_size))
            return torch.cat([logits_of(model(_ready(dataset, chunk.to(where)))).cpu() for chunk in chunks])
    finally:
        for module, mode in modes:
            module.training = mode


# What is refused


def _number_of_steps(epochs: float | None, steps: int | None, steps_per_epoch: int) -> int:
    if (epochs is None) == (steps is None):
        raise ValueError(f"give either epochs or steps, got epochs={epochs} and steps={steps}")
    if steps is not None:
        return positive("steps", steps)
    _check_between("epochs", epochs, 0, math.inf)
    return max(1, round(epochs * steps_per_epoch))


def _check_sets(model: nn.Module, train: ImageSet, test: ImageSet | None) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    for images in (train, test) if test is not None else (train,):
        if not isinstance(images, ImageSet):
            raise TypeError(
                f"images must be an ImageSet, as data.fashion_mnist() returns, got {type(images).__name__}"
            )
        if not len(images):
            raise ValueError("an ImageSet must have at least 1 image here, got 0")


def _check_between(name: str, value: float, low: float, high: float, *, or_equal: bool = False) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (low < value < min(high, sys.float_info.max) or (or_equal and value == low)):
        least = f"{'at least' if or_equal else 'greater than'} {low}"
        most = "finite" if high == math.inf else f"less than {high}"
        raise ValueError(f"{name} must be {least} and {most}, got {value}")


def _check_images(images: object, generator: object) -> None:
    instance("generator", generator, torch.Generator)
    if instance("images", images, Tensor).ndim != 4:
        raise ValueError(f"images must have the shape N×C×H×W, got {tuple(images.shape)}")


def _check_shift(name: str, pixels: object, images: Tensor) -> None:
    most = min(images.shape[2:])
    if non_negative(name, pixels) > most:
        raise ValueError(f"{name} must be at most {most}, the side of the images, got {pixels}")


def _check_logits(logits: Tensor, labels: Tensor) -> None:
    if instance("labels", labels, Tensor).dtype != torch.int64 or labels.ndim != 1:
        raise TypeError(f"labels must be int64 in one dimension, got {labels.dtype}, {tuple(labels.shape)}")
    if not len(labels):
        raise ValueError("labels must be at least one, got none")
    if len(logits) != len(labels):
        raise ValueError(f"model must return one row of logits per image, got {len(logits)}")
    if (highest := int(labels.max())) >= logits.shape[1]:
        raise ValueError(
            f"model gives {logits.shape[1]} logits, but there are labels up to {highest}: "
            f"build it with num_classes={highest + 1} or more"
        )


def _check_finite(loss: float, step: int, learning_rate: float) -> None:
    if math.isfinite(loss):
        return
    if step == 1:
        raise TrainingDiverged(f"loss is {loss} at step 1: look at the initial weights and at the images")
    raise TrainingDiverged(
        f"loss is {loss} at step {step}, at a learning rate of {learning_rate:.3g}: most likely the rate is "
        f"too high; try learning_rate={learning_rate / 3:.2g} or clip=2.0, and build the network anew"
    )
