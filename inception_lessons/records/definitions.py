"""What each experiment does, as data: networks, recipes, seeds, images."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

Options = Mapping[str, object]


@dataclass(frozen=True)
class Setting:
    """One thing that is compared with the others of its experiment."""

    model: str
    """A name that `experiments.networks.build` knows: those of `models.get_model`, and a few more."""
    options: Options = field(default_factory=dict)
    """Of the network."""
    recipe: Options = field(default_factory=dict)
    """Arguments of `training.fit` that differ from the experiment's; functions by their names."""


@dataclass(frozen=True)
class Experiment:
    """Settings that are trained alike, from several seeds."""

    question: str
    settings: Mapping[str, Setting]
    seeds: int
    """Seeds 0 to seeds − 1: of the first weights, the order of the images and whatever else is random."""
    recipe: Options
    """Arguments of `training.fit` for all settings; functions by their names."""
    source: str = "bundled"
    """Of the images, as in `data.fashion_mnist`; "original" stands for the whole of Fashion-MNIST."""

    def definition(self) -> dict[str, object]:
        """Return everything that decides the result, as JSON has it."""
        return asdict(self)


_SGD = {"schedule": "one_cycle", "test_every": None}


def _lesson(name: str, epochs: float, learning_rate: float, batch_size: int) -> Setting:
    recipe = {"epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size}
    return Setting(f"{name}_lesson", recipe=recipe)


EXPERIMENTS: dict[str, Experiment] = {
    # Epochs that fit into 60 seconds on two cores, so that the budget is equal in time; rates were tried on
    # seed 100, three or fewer of them for each network.
    "lesson_networks": Experiment(
        "What does each lesson network reach in a minute on two cores?",
        {
            "LeNet": _lesson("lenet", 6, 0.1, 96),
            "AlexNet": _lesson("alexnet", 1.05, 0.05, 64),
            "VGG": _lesson("vgg", 1.75, 0.2, 128),
            "NiN": _lesson("nin", 1.15, 0.15, 128),
            "GoogLeNet": _lesson("googlenet", 1.15, 0.2, 128),
            "BN-Inception": _lesson("bn_inception", 0.85, 0.2, 128),
            "Inception v2": _lesson("inception_v2", 0.75, 0.2, 128),
            "Inception v3": _lesson("inception_v3", 0.85, 0.2, 128),
        },
        5,
        _SGD,
        "original",
    ),
}
"""Every experiment of the book by its name, which is also its record's."""
