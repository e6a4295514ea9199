"""Times our GoogLeNet and Inception v3 against torchvision's, and `deploy` against what people do by hand.

    python benchmarks/networks.py --rounds 15 --batch 1 8

Every round runs each contestant once, in changing order, so that a slow moment of the machine meets all of
them; medians are reported. Reported are, of both builds of one network: the peak memory of inference, and one
inference and one training step in eager mode. Then of torchvision's network: inference as it is, with batch
norm folded and memory channels last, with that compiled, and deployed by this book, each with its share of
the rate of a large float32 matrix product, measured in the same rounds.
"""

import argparse
import copy
import datetime
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.fx.experimental import optimization
from tqdm import tqdm

from inception_lessons._check import positive
from inception_lessons._torchvision import import_torchvision
from inception_lessons.deployment.compiler import missing_for
from inception_lessons.measure import measure, peak_memory
from inception_lessons.models import deploy, get_model

NETWORKS = {"googlenet": (224, {"variant": "torchvision"}), "inception_v3": (299, {})}
"""Height of the image, and the options that give the network which torchvision builds."""

SIDE = 2048  # of the matrices whose product stands for what the machine can do

Calls = Mapping[str, Callable[[], object]]


def both_builds(name: str, options: Mapping[str, object]) -> tuple[nn.Module, nn.Module]:
    """Return our network and torchvision's, with the same weights, without auxiliary heads."""
    theirs = import_torchvision().models.get_model(
        name, weights=None, init_weights=False, aux_logits=False, transform_input=False
    )
    ours = get_model(name, aux=False, **options)
    state = theirs.state_dict()
    mine = ours.state_dict()
    for layer, other in ours.torchvision_names().items():
        mine |= {key: state[other + key[len(layer) :]] for key in mine if key.rpartition(".")[0] == layer}
    ours.load_state_dict(mine)
    return ours, theirs


def interleaved(calls: Calls, rounds: int, label: str) -> dict[str, float]:
    """Return the median seconds of each call, after two rounds that are not counted."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in tqdm(range(rounds + 2), desc=label, leave=False):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            calls[name]()
            if turn >= 2:
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def training_step(net: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Return a function that runs one forward and backward pass and changes the weights."""
    net = copy.deepcopy(net).train()
    update = torch.optim.SGD(net.parameters(), lr=1e-4)
    labels = torch.zeros(len(x), dtype=torch.long)

    def step() -> None:
        update.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        update.step()

    return step


def row(label: str, *cells: object) -> None:
    tqdm.write(f"{label:44}" + "".join(f"{cell:>14}" for cell in cells))


def eager(name: str, ours: nn.Module, theirs: nn.Module, x: torch.Tensor, rounds: int) -> list[float]:
    """Print times of both builds; return ours as multiples of torchvision's rate."""
    steps = {"ours": training_step(ours, x), "torchvision": training_step(theirs, x)}
    with torch.no_grad():
        looks = interleaved(
            {"ours": lambda: ours(x), "torchvision": lambda: theirs(x)}, rounds, f"{name}, look"
        )
    trained = interleaved(steps, rounds, f"{name}, step")
    speeds = []
    for what, times in (("inference", looks), ("training step", trained)):
        speeds.append(times["torchvision"] / times["ours"])
        milliseconds = (f"{1000 * times[build]:.1f}" for build in ("ours", "torchvision"))
        row(f"{name}, batch {len(x)}, {what}", *milliseconds, f"{speeds[-1]:.3f}")
    return speeds


def contestants(theirs: nn.Module, x: torch.Tensor) -> dict[str, Callable[[torch.Tensor], object]]:
    """Return torchvision's network and the ways to make it fast, ready to be timed."""
    folded = optimization.fuse(theirs).to(memory_format=torch.channels_last)
    ways: dict[str, Callable] = {
        "torchvision, eager": theirs,
        "folded, channels last": lambda x: folded(x.contiguous(memory_format=torch.channels_last)),
        "deploy, without a compiler": deploy(theirs, compile=False),
    }
    if not missing_for(x.device):
        compiled = torch.compile(folded)
        ways["folded, channels last, compiled"] = lambda x: compiled(
            x.contiguous(memory_format=torch.channels_last)
        )
        ways["deploy"] = deploy(theirs)
    for way in tqdm(ways, desc="first calls, which compile", leave=False):
        ways[way](x)
    return ways


def deployed(name: str, theirs: nn.Module, x: torch.Tensor, rounds: int) -> None:
    """Print times of every way to run torchvision's network, and the share of a matrix product's rate."""
    macs = measure(theirs, tuple(x[:1].shape)).macs * len(x)
    matrix = torch.randn(SIDE, SIDE)
    with torch.no_grad():
        ways = contestants(theirs, x)
        calls: dict[str, Callable] = {way: (lambda call=call: call(x)) for way, call in ways.items()}
        times = interleaved(calls | {"matrix product": lambda: matrix @ matrix}, rounds, name)
    rate = SIDE**3 / times["matrix product"]
    first = times["torchvision, eager"]
    for way in ways:
        share = macs / times[way] / rate
        row(
            f"{name}, batch {len(x)}, {way}",
            f"{1000 * times[way]:.1f}",
            f"{first / times[way]:.2f}",
            f"{share:.0%}",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often each is timed (default: 15)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8], help="batch sizes (default: 1 8)")
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    chosen = parser.parse_args()
    rounds = max(3, positive("--rounds", chosen.rounds))
    print(
        f"{datetime.date.today()}, {platform.platform()}, Python {platform.python_version()}, "
        f"torch {torch.__version__} on {torch.get_num_threads()} threads, medians of {rounds} rounds"
    )
    slowest = 10.0
    for name in chosen.network:
        size, options = NETWORKS[name]
        ours, theirs = (net.eval() for net in both_builds(name, options))
        memory = [peak_memory(net, (8, 3, size, size)) / 1e6 for net in (ours, theirs)]
        row("", "ours", "torchvision", "ratio")
        row(
            f"{name}, batch 8, peak MB of inference",
            *(f"{m:.1f}" for m in memory),
            f"{memory[1] / memory[0]:.3f}",
        )
        for batch in (positive("--batch", count) for count in chosen.batch):
            x = torch.randn(batch, 3, size, size)
            with torch.no_grad():
                torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
            slowest = min(slowest, *eager(name, ours, theirs, x, rounds))
            row("", "ms", "× eager", "of matmul")
            deployed(name, theirs, x, rounds)
    print(f"ours against torchvision's, slowest case: {slowest:.3f} of its speed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
