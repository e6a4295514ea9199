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
    """Arguments of `training.fit` for all settings; functions by their names. And `gradients_at`, where
    gradients are recorded: after how many updates of the weights."""
    source: str = "bundled"
    """Of the images, as in `data.fashion_mnist`; "original" stands for the whole of Fashion-MNIST."""

    def definition(self) -> dict[str, object]:
        """Return everything that decides the result, as JSON has it."""
        return asdict(self)


_SGD = {"schedule": "one_cycle", "test_every": None}
_NORM = {"batch_norm": True}
_LAST = {"module": "double", "asymmetric": True, "reduction": "parallel", **_NORM}


def _lesson(name: str, epochs: float, learning_rate: float, batch_size: int) -> Setting:
    recipe = {"epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size}
    return Setting(f"{name}_lesson", recipe=recipe)


def _nin(recipe: Options | None = None, **options: object) -> Setting:
    return Setting("nin_lesson", {"batch_norm": False, "start": "xavier", **options}, recipe or {})


def _steps(options: Options, **recipe: object) -> Setting:
    """Return one step of the ladder; without batch norm the rate is lower, or training diverges."""
    rate = {} if "batch_norm" in options else {"learning_rate": 0.03}
    return Setting("inception_steps", options, rate | recipe)


def _nine_modules(aux: bool, batch_norm: bool) -> Setting:
    """Return GoogLeNet's nine modules. Without batch norm the rate is lower: at 0.05 (seed 100, no heads)
    nothing was learnt in 90 steps.
    """
    options = {"aux": aux, "batch_norm": batch_norm}
    return Setting("nine_modules", options, {} if batch_norm else {"learning_rate": 0.02})


EXPERIMENTS: dict[str, Experiment] = {
    # Epochs that fit into 60 seconds on two cores, so that the budget is equal in time; rates were tried on
    # seed 100, three or fewer of them for each network.
    "lesson_networks": Experiment(
        "What does each lesson network reach in a minute on two cores?",
        {
            "LeNet": _lesson("lenet", 6, 0.1, 96),
            "AlexNet": _lesson("alexnet", 1.3, 0.05, 64),
            "VGG": _lesson("vgg", 2, 0.2, 128),
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
    "nin_fragility": Experiment(
        "How often does a Network in Network without normalisation fail to learn, and what cures it?",
        {
            "plain, Gaussian of 0.05": _nin(start="gaussian"),
            "plain, Xavier": _nin(),
            "batch norm": _nin(batch_norm=True),
            "He, last biases 1": _nin(start="he"),
            "no ReLU before the mean": _nin(final_relu=False),
            "clipped at 1": _nin({"clip": 1.0}),
            "Adam at 0.003": _nin({"optimizer": "adam", "learning_rate": 0.003}),
        },
        10,
        _SGD | {"steps": 120, "batch_size": 64, "learning_rate": 0.1},
    ),
    "batch_norm_rates": Experiment(
        "How many steps to a given accuracy, with and without batch norm, at which learning rate?",
        {
            f"{'with' if norm else 'without'}, {rate:g}": Setting(
                "bn_inception_lesson", {"batch_norm": norm}, {"learning_rate": rate}
            )
            for norm in (False, True)
            for rate in (0.005, 0.02, 0.08, 0.32)
        },
        5,
        {"schedule": "constant", "steps": 120, "batch_size": 64, "test_every": 0.1},
    ),
    # From GoogLeNet to v3: each setting is the one before it with one idea more. The heads stand aside, as
    # they do in the lineage: BN-Inception has none.
    "idea_by_idea": Experiment(
        "What does each idea from GoogLeNet to Inception v3 change at lesson size?",
        {
            "naive modules": _steps({}),
            "1×1 reduction": _steps({"module": "reduced"}),
            "1×1 reduction, auxiliary head": _steps({"module": "reduced", "aux": True}),
            "batch norm": _steps({"module": "reduced", **_NORM}),
            "batch norm, auxiliary head": _steps({"module": "reduced", "aux": True, **_NORM}),
            "5×5 as two 3×3": _steps({"module": "double", **_NORM}),
            "1×7 and 7×1": _steps({"module": "double", "asymmetric": True, **_NORM}),
            "parallel reduction": _steps(_LAST),
            "label smoothing": _steps(_LAST, label_smoothing=0.1),
            "RMSProp": _steps(_LAST, label_smoothing=0.1, optimizer="rmsprop"),
            "clipping": _steps(_LAST, label_smoothing=0.1, optimizer="rmsprop", clip=2.0),
        },
        3,
        _SGD | {"steps": 150, "batch_size": 96, "learning_rate": 0.15},
    ),
    "asymmetric_grids": Experiment(
        "On which grid do 1×7 and 7×1 replace a 7×7 without loss?",
        {
            f"{form}, {grid}×{grid}": Setting("large_kernels", {"grid": grid, "form": form})
            for grid in (28, 14, 7)
            for form in ("direct", "asymmetric", "stacked")
        },
        5,
        _SGD | {"steps": 80, "batch_size": 100, "learning_rate": 0.2},
    ),
    # One update more than the last recorded: its gradient is taken before the weights change again.
    "auxiliary_gradients": Experiment(
        "What do auxiliary heads change in the gradient of each layer, from the first step on?",
        {
            f"{heads}, {norm}": _nine_modules(heads == "heads", norm == "batch norm")
            for norm in ("no norm", "batch norm")
            for heads in ("no heads", "heads")
        },
        3,
        {
            "schedule": "constant",
            "steps": 129,
            "batch_size": 64,
            "learning_rate": 0.1,
            "test_every": None,
            "gradients_at": (0, 1, 2, 4, 8, 16, 32, 64, 128),
        },
    ),
}
"""Every experiment of the book by its name, which is also its record's."""
