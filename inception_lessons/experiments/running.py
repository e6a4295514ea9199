"""One run, and all the runs of an experiment, resumed where they stopped."""

import datetime
import platform
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import torch
from torch import nn
from tqdm.auto import tqdm

from inception_lessons import records, training
from inception_lessons._torchvision import import_torchvision
from inception_lessons.data import ImageSet
from inception_lessons.experiments import networks
from inception_lessons.measure import measure, time_module
from inception_lessons.records import Experiment, Record, Run, Setting


def rmsprop(parameters: list[dict], lr: float) -> torch.optim.RMSprop:
    """Return RMSProp with decay and ε of arXiv:1512.00567, section 8, and momentum as in TF-slim."""
    return torch.optim.RMSprop(parameters, lr=lr, alpha=0.9, eps=1.0, momentum=0.9)


FUNCTIONS = {
    "one_cycle": training.one_cycle,
    "constant": training.constant,
    "nesterov_sgd": training.nesterov_sgd,
    "adam": torch.optim.Adam,
    "rmsprop": rmsprop,
}
"""What the names in a recipe stand for."""


BATCH = 96
"""Images in the forward pass that is timed."""


def conditions() -> dict[str, object]:
    """Return what a reader has to know about this machine and this code to judge a measurement."""
    where = training.device()
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "device": torch.cuda.get_device_name(where) if where.type == "cuda" else str(where),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": import_torchvision().__version__,
        "platform": platform.platform(),
    }


def _commit() -> str:
    """Return the commit of the checkout that holds this package, with "+" if files in it were changed."""
    here = Path(__file__).parent
    try:
        head, changes = (
            subprocess.run(
                ["git", *call], cwd=here, capture_output=True, text=True, check=True
            ).stdout.strip()
            for call in (
                ["rev-parse", "--short=12", "HEAD"],
                ["status", "--porcelain", "--", str(here.parent), f":(exclude){records.files.FOLDER}"],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
    return head + ("+" if changes else "")


def built(setting: Setting, in_channels: int, num_classes: int) -> nn.Module:
    """Return the network of a setting, with weights drawn from torch's current random state."""
    options = {"in_channels": in_channels, "num_classes": num_classes, **setting.options}
    return networks.build(setting.model, **options)


def recording_gradients(
    optimizer: Callable[..., torch.optim.Optimizer],
    net: nn.Module,
    updates: Collection[int],
    sizes: dict[str, list[float]],
) -> Callable[..., torch.optim.Optimizer]:
    """Return `optimizer`, such that training with it appends to `sizes` how large gradients are.

    For each stage of `net.body` that has weights: the root of the mean square over the gradient of its
    weights of two dimensions or more, to four significant digits, when the weights have been changed as many
    times as `updates` says (0: never), on the batch that changes them next. It is the gradient of the loss
    that training minimises, auxiliary heads included; weight decay and momentum stand aside.
    """
    weights = {
        key: [weight for weight in stage.parameters() if weight.ndim >= 2] for key, stage in net.body.items()
    }
    done = 0

    def record(*_: object) -> None:
        nonlocal done
        if done in updates:
            for key, ours in weights.items():
                if ours:
                    gradient = torch.cat([weight.grad.flatten() for weight in ours])
                    sizes.setdefault(key, []).append(float(f"{gradient.square().mean().sqrt().item():.4g}"))
        done += 1

    def made(*arguments: object, **options: object) -> torch.optim.Optimizer:
        update = optimizer(*arguments, **options)
        update.register_step_pre_hook(record)
        return update

    return made


def train_once(
    setting: Setting, recipe: Mapping[str, object], seed: int, train: ImageSet, test: ImageSet
) -> dict[str, object]:
    """Build and train one network from one seed; return what was measured.

    `milliseconds` is the median time of one forward pass of `BATCH` images. With `gradients_at` in the recipe
    there are `gradients`, a list for each stage, see `recording_gradients`. A run whose loss diverges is a
    result too: it has `failure`, the reason.
    """
    images = train.images.shape[1:]
    with training.seeded(seed):
        net = built(setting, images[0], len(train.classes))
    report = measure(net.eval(), (1, *images))
    values: dict[str, object] = {"parameters": report.parameters, "macs": report.macs}
    arguments = {
        name: FUNCTIONS.get(value, value) for name, value in (dict(recipe) | dict(setting.recipe)).items()
    }
    updates, gradients = arguments.pop("gradients_at", ()), {}
    if updates:
        optimizer = arguments.get("optimizer", training.nesterov_sgd)
        arguments["optimizer"] = recording_gradients(optimizer, net, updates, gradients)
    began = time.perf_counter()
    try:
        history = training.fit(net, train, test, seed=seed, progress=False, **arguments)
    except training.TrainingDiverged as reason:
        return values | {"failure": str(reason), "seconds": time.perf_counter() - began}
    if history.interrupted:
        raise KeyboardInterrupt
    last = history.steps[-1]
    return values | {
        "top1": history.tests[-1].top1,
        "test_loss": history.tests[-1].loss,
        "first_loss": history.steps[0].loss,
        "train_loss": sum(step.loss for step in history.steps[-50:]) / len(history.steps[-50:]),
        "steps": last.step,
        "seconds": last.seconds,
        "images_per_second": last.images_per_second,
        "milliseconds": 1000 * time_module(net, (BATCH, *images)).median,
        "tests": [[score.step, score.top1] for score in history.tests],
        **({"gradients": gradients} if updates else {}),
    }


def run_experiment(
    name: str, experiment: Experiment, folder: Path, train: ImageSet, test: ImageSet, *, command: str
) -> Record:
    """Run what `name` still lacks and return its record, written to `folder` when it is whole.

    After every run all that is there is written to `NAME.partial.json`; a second call goes on from it. Of a
    record of another definition, stopped or whole, runs are used whose setting, recipe and images are the
    same: more seeds or one more setting cost only what is new.
    """
    definition = records.files.as_json(experiment.definition())
    whole, partial = folder / f"{name}.json", folder / f"{name}.partial.json"
    for path in (whole, partial):
        records.files.remove_unfinished(path)
    runs = _already_run(folder, name, definition)
    done = {(run.setting, run.seed) for run in runs}
    # Seed by seed, so that a record that was stopped has all settings equally.
    todo = [
        (s, seed) for seed in range(experiment.seeds) for s in experiment.settings if (s, seed) not in done
    ]
    around = conditions()
    bar = tqdm(todo, initial=len(done), total=len(done) + len(todo), unit="run", desc=name)
    for setting, seed in bar:
        bar.set_postfix_str(f"{setting}, seed {seed}")
        values = train_once(experiment.settings[setting], experiment.recipe, seed, train, test)
        runs.append(Run(setting, seed, values, around))
        records.write(Record(name, command, definition, tuple(runs)), partial)
    record = Record(name, command, definition, tuple(runs))
    records.write(record, whole)
    partial.unlink(missing_ok=True)
    return record


def _already_run(folder: Path, name: str, definition: Mapping) -> list[Run]:
    """Return the runs of a stopped or an older record that still count: same recipe, images and setting."""
    path = folder / f"{name}.partial.json"
    path = path if path.exists() else folder / f"{name}.json"
    if not path.exists():
        return []
    record = records.read(path)
    if any(record.definition.get(key) != definition[key] for key in ("recipe", "source")):
        return []
    before, today = record.definition["settings"], definition["settings"]
    return [
        run
        for run in record.runs
        if run.seed < definition["seeds"] and today.get(run.setting) == before[run.setting]
    ]
