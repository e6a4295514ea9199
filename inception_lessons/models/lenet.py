"""LeNet-5 (LeCun, Bottou, Bengio and Haffner, Proceedings of the IEEE 86(11), 1998), and what became of it.

`lenet5` is the network as it was printed. `lenet` is the simplification that books and libraries call LeNet
today. `lenet_lesson` is the simplification with ReLU and max pooling, for images of 28 to 64 pixels.
"""

import math
from itertools import chain, groupby

import torch
from torch import Tensor, nn

from inception_lessons._check import one_of, positive
from inception_lessons.costs import LENET_POOLINGS, inputs_of_maps, lenet5_stages, lenet_stages
from inception_lessons.models._network import Network, initialise
from inception_lessons.papers import LENET5_INITIAL_RANGE, LENET5_SQUASHING

DIGITS: tuple[tuple[str, ...], ...] = tuple(
    zip(
        *(
            line.split()
            for line in """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
.#...#. .####.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ######. ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. ##..##. .....## ######. ....##. .#####. ##...##
##...## ...##.. ...##.. .....## ##..##. .....## ##...## ...##.. ##...## .######
##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
.#...#. ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
""".strip().splitlines()
        ),
        strict=True,
    )
)
"""Stylised digits 0 to 9, twelve rows of seven positions each, drawn for this book.

The paper has its own, drawn by hand for all of ASCII and shown as pictures (Figure 3), not as numbers.
"""


def digit_codes() -> Tensor:
    """Return the vectors that LeNet-5's output compares F6 with: 10×84, +1 for ink and −1 for paper."""
    ink = [[cell == "#" for cell in "".join(digit)] for digit in DIGITS]
    return 2 * torch.tensor(ink, dtype=torch.get_default_dtype()) - 1  # 10×84


class Squash(nn.Module):
    """The paper's sigmoid, 1.7159·tanh(⅔·x) (equation 6 and Appendix A): it takes 1 to 1 and −1 to −1."""

    def forward(self, x: Tensor) -> Tensor:
        return LENET5_SQUASHING.amplitude * torch.tanh(LENET5_SQUASHING.slope * x)


class Subsampling(nn.Sequential):
    """The sum of each 2×2 neighbourhood, times one trainable coefficient of its map, plus one bias.

    N×channels×H×W → N×channels×H/2×W/2. The coefficient is a 1×1 convolution of each map by itself.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.AvgPool2d(2, divisor_override=1),  # the mean, divided by 1 in place of 4: the sum
            nn.Conv2d(channels, channels, 1, groups=channels),
        )


class PartialConv(nn.Module):
    """The convolution of C3, whose maps see only the maps of S2 that Table I connects them with.

    N×6×H×W → N×16×(H−4)×(W−4). Neighbouring maps with equally many inputs are one grouped convolution: six
    maps of three inputs, nine of four, one of six. Only the 60 kernels of the table exist.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleDict()
        for count, run in groupby(inputs_of_maps(), key=len):
            maps = list(run)
            inputs = torch.tensor(list(chain(*maps)))  # the inputs of all these maps, in a row
            self.register_buffer(f"inputs_of_{count}", inputs, persistent=False)
            self.convs[f"from{count}"] = nn.Conv2d(len(inputs), len(maps), 5, groups=len(maps))

    def forward(self, x: Tensor) -> Tensor:
        from3 = self.convs["from3"](x.index_select(1, self.inputs_of_3))  # N×6×10×10
        from4 = self.convs["from4"](x.index_select(1, self.inputs_of_4))  # N×9×10×10
        from6 = self.convs["from6"](x.index_select(1, self.inputs_of_6))  # N×1×10×10
        return torch.cat([from3, from4, from6], dim=1)  # N×16×10×10


class EuclideanRBF(nn.Module):
    """Squared Euclidean distance to each of some fixed vectors (equation 7): N×features → N×vectors.

    The vectors are a buffer, not parameters. Nothing here is a MAC by this book's definition.
    """

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.register_buffer("vectors", vectors)

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(1) - self.vectors).square().sum(2)  # N×vectors


class LeNet5(Network):
    """LeNet-5 as section II-B describes it: N×in_channels×32×32 → N×10 logits.

    The paper's output is a penalty for each class, the squared distance of F6 from the class's code, and the
    smallest wins. `penalties` gives it. The network itself returns the penalties with a minus sign: the
    largest logit wins, as everywhere in this book, and cross-entropy on these logits is the criterion of
    equation 9 without its background class (`map_criterion`).

    The paper normalises pixels so that paper is −0.1 and ink 1.175: mean about 0, variance about 1. Weights
    start as in its Appendix A, uniform between ±2.4 / number of inputs of the unit. It does not mention
    biases: here they start like the weights of their unit. Nor does it print the codes as numbers: see
    `DIGITS`.
    """

    def __init__(self, *, in_channels: int = 1) -> None:
        super().__init__()
        self.takes(lenet5_stages(in_channels=positive("in_channels", in_channels)), in_channels)
        self.c1 = nn.Conv2d(in_channels, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = PartialConv()
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = EuclideanRBF(digit_codes())
        self.squash = Squash()
        _initialise_by_inputs(self)

    def penalties(self, x: Tensor) -> Tensor:
        """Return the squared distance of F6 from each class's code, N×10; the smallest is the prediction."""
        x = self.check_input(x)
        x = self.squash(self.c1(x))  # N×6×28×28
        x = self.squash(self.s2(x))  # N×6×14×14
        x = self.squash(self.c3(x))  # N×16×10×10
        x = self.squash(self.s4(x))  # N×16×5×5
        x = self.squash(self.c5(x))  # N×120×1×1
        x = self.squash(self.f6(x.flatten(1)))  # N×84
        return self.output(x)  # N×10

    def forward(self, x: Tensor) -> Tensor:
        return -self.penalties(x)  # N×10


def _initialise_by_inputs(net: LeNet5) -> None:
    """Set weights and biases as Appendix A says; a unit of a subsampling layer has four inputs."""
    coefficients = {net.s2[1], net.s4[1]}
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            inputs = 4 if layer in coefficients else layer.weight[0].numel()
            bound = LENET5_INITIAL_RANGE / inputs
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.uniform_(layer.bias, -bound, bound)


def map_criterion(penalties: Tensor, labels: Tensor, j: float) -> Tensor:
    """Return the mean loss of LeNet-5's maximum a posteriori criterion (equation 9), in nats.

    The penalty of the right class, plus log(e^−j + Σ e^−penalty): all classes and a background class, whose
    penalty is always j, compete. The paper prints no value for j. With j infinite there is no background, and
    the loss is the cross-entropy of the logits −penalties.

    Args:
        penalties: N×classes, as `LeNet5.penalties` gives them.
        labels: N class numbers.

    Raises:
        ValueError: j is not above 0.
    """
    if not j > 0:
        raise ValueError(f"j must be above 0, got {j}; math.inf leaves the background class out")
    right = penalties.gather(1, labels.unsqueeze(1)).squeeze(1)  # N
    competition = torch.logsumexp(-penalties, dim=1)  # N
    if j < math.inf:
        competition = torch.logaddexp(competition, torch.full_like(competition, -j))
    return (right + competition).mean()


def lenet5(*, in_channels: int = 1) -> LeNet5:
    """Return LeNet-5 as printed in 1998: N×1×32×32 → N×10. 60,000 parameters.

    Its ten classes are the ten codes, so it has no `num_classes`.
    """
    return LeNet5(in_channels=in_channels)


_ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
_POOLINGS = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


class LeNet(Network):
    """The LeNet of today's textbooks: N×in_channels×28×28 → N×num_classes logits.

    Other than LeNet-5: 28×28 images padded by 2, pooling without parameters and without a sigmoid after it,
    all 96 kernels in the second convolution, a dense layer in place of the distances. Source: chapter "LeNet"
    of Dive into Deep Learning (d2l-ai/d2l-en on GitHub), whose sigmoid, average pooling and initial weights
    (Xavier's rule) are the defaults here.

    Args:
        activation: "sigmoid", "tanh" or "relu".
        pooling: "average" or "max".
        any_size: take images of any size from 12 pixels: the maps before the first dense layer are averaged
            to 5×5, which changes nothing for 28×28.
    """

    def __init__(
        self,
        *,
        num_classes: int = 10,
        in_channels: int = 1,
        activation: str = "sigmoid",
        pooling: str = "average",
        any_size: bool = False,
    ) -> None:
        super().__init__()
        options = {"num_classes": num_classes, "pooling": pooling, "any_size": any_size}
        self.takes(lenet_stages(in_channels=in_channels, **options), in_channels)
        pool = _POOLINGS[one_of("pooling", pooling, LENET_POOLINGS)]
        self.activation = _ACTIVATIONS[one_of("activation", activation, _ACTIVATIONS)]()
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=2)
        self.pool1 = pool(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool2 = pool(2)
        self.grid = nn.AdaptiveAvgPool2d(5) if any_size else nn.Identity()
        self.hidden1 = nn.Linear(400, 120)
        self.hidden2 = nn.Linear(120, 84)
        self.linear = nn.Linear(84, num_classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.check_input(x)
        x = self.pool1(self.activation(self.conv1(x)))  # N×6×14×14
        x = self.pool2(self.activation(self.conv2(x)))  # N×16×5×5
        x = self.grid(x).flatten(1)  # N×400
        x = self.activation(self.hidden1(x))  # N×120
        x = self.activation(self.hidden2(x))  # N×84
        return self.linear(x)  # N×num_classes


def lenet(
    *,
    num_classes: int = 10,
    in_channels: int = 1,
    activation: str = "sigmoid",
    pooling: str = "average",
) -> LeNet:
    """Return the simplified LeNet: N×1×28×28 → N×10. 61,706 parameters. See `LeNet` for the options."""
    return LeNet(num_classes=num_classes, in_channels=in_channels, activation=activation, pooling=pooling)


def lenet_lesson(*, num_classes: int = 10, in_channels: int = 1) -> LeNet:
    """Return the simplified LeNet with ReLU and max pooling, for images of 28 to 64 pixels: N×1×28×28 → N×10.

    It needs neither to be narrower nor shallower than `lenet`: that one is of lesson size itself.
    """
    return LeNet(
        num_classes=num_classes, in_channels=in_channels, activation="relu", pooling="max", any_size=True
    )
