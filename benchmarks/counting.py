"""Times `measure` against `torchinfo.summary` on the same networks, taking turns, and prints the ratio.

    python benchmarks/counting.py --rounds 15

Both count one image of the same size on the CPU, in evaluation mode. Every round runs both once, in
changing order, so that a slow moment of the machine meets both. Two ratios are printed: of the medians, which
is what a user meets, and of the fastest runs, which noise touches least. Exits with 1 if either is over a
tenth for Inception v3.
"""

import argparse
import datetime
import gc
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import torch
import torchinfo
from torch import nn

from inception_lessons._check import positive
from inception_lessons._torchvision import import_torchvision
from inception_lessons.measure import measure

LIMIT = 0.1  # of torchinfo's time, for Inception v3 at 299×299
NETWORKS = {
    "inception_v3": (299, {"init_weights": False}),
    "googlenet": (224, {"init_weights": False}),
    "resnet50": (224, {}),
    "densenet121": (224, {}),
    "mobilenet_v2": (224, {}),
    "efficientnet_b0": (224, {}),
}


def seconds(call: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def one_round(net: nn.Module, shape: tuple[int, ...], torchinfo_first: bool) -> tuple[float, float]:
    """Return the seconds that `measure` and torchinfo take."""
    calls = [
        lambda: measure(net, shape),
        lambda: torchinfo.summary(net, input_size=shape, mode="eval", verbose=0),
    ]
    order = (1, 0) if torchinfo_first else (0, 1)
    taken = {index: seconds(calls[index]) for index in order}
    return taken[0], taken[1]


def compare(name: str, net: nn.Module, shape: tuple[int, ...], rounds: int) -> float:
    """Print one row of the table; return the larger of the two ratios."""
    one_round(net, shape, torchinfo_first=False)
    ours, theirs = zip(*(one_round(net, shape, turn % 2 == 0) for turn in range(rounds)), strict=True)
    medians = [statistics.median(times) for times in (ours, theirs)]
    of_medians, of_fastest = medians[0] / medians[1], min(ours) / min(theirs)
    milliseconds = "".join(f"{1000 * median:14.1f}" for median in medians)
    print(f"{name:16}{shape[-1]:4}²{milliseconds}{of_medians:12.4f}{of_fastest:12.4f}", flush=True)
    return max(of_medians, of_fastest)


def conditions(rounds: int) -> str:
    return (
        f"{datetime.date.today()}, {platform.platform()}, Python {platform.python_version()}, "
        f"torch {torch.__version__} on {torch.get_num_threads()} threads, torchinfo {torchinfo.__version__}, "
        f"medians of {rounds} rounds after one that is not counted"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often each is timed (default: 15)")
    rounds = max(2, positive("--rounds", parser.parse_args().rounds))
    models = import_torchvision().models
    print(conditions(rounds))
    print("network         grid    measure/ms  torchinfo/ms  of medians  of fastest")
    ratios = {}
    for name, (grid, options) in NETWORKS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torchvision's, on the default of init_weights
            net = models.get_model(name, weights=None, **options).eval()
        ratios[name] = compare(name, net, (1, 3, grid, grid), rounds)
    passed = ratios["inception_v3"] <= LIMIT
    verdict = "within" if passed else "over"
    print(f"inception_v3: {ratios['inception_v3']:.4f}, {verdict} the limit of {LIMIT}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
