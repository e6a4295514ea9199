"""What each experiment does, as data: networks, recipes, seeds, images."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

Options = Mapping[str, object]


@dataclass(frozen=True)
class Setting:
    """One thing that is compared with the others of its experiment."""

    model: str
    """A name that `models.get_model` knows."""
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


EXPERIMENTS: dict[str, Experiment] = {}
"""Every experiment of the book by its name, which is also its record's."""
