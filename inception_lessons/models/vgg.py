"""VGG (Simonyan and Zisserman 2014, arXiv:1409.1556): 3×3 convolutions alone, 11 to 19 layers with weights.

`vgg11`, `vgg13`, `vgg16` and `vgg19` are columns A, B, D and E of the paper's Table 1, and `vgg16_c` is its
column C; the names ending in `_bn` have batch norm, which came later. `vgg_lesson` is the same idea at a size
that two CPU cores train in less than a minute.
"""

from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum

from torch import Tensor, nn

from inception_lessons._check import fraction
from inception_lessons.blocks import LocalResponseNorm, response_norm
from inception_lessons.costs import VGG_GRID, VGGConv, vgg_column, vgg_layers, vgg_stages
from inception_lessons.models._network import Network, initialise
from inception_lessons.papers import VGG_DROPOUT
from inception_lessons.weights import load


class VGG(Network):
    """A column of Table 1: N×in_channels×H×W → N×num_classes logits.

    Each block convolves on one grid and then halves it. Between the blocks and the dense layers the last grid
    is averaged to 7×7, as in torchvision. At 224 pixels the grid is 7×7 already and the averaging changes
    nothing; without it, as in the paper, only images of 224 to 255 pixels would fit. (For others the paper
    reads the dense layers as convolutions and averages the class scores, which is another function.)

    Weights start by Xavier's rule and biases at 0. The paper drew column A from a Gaussian of variance 0.01
    and began the deeper networks with A's trained layers; section 3.1 adds that with the rule of Glorot and
    Bengio (Xavier's) they can do without.

    Args:
        column: cells of Table 1 from top to bottom, or your own in the same words. The width of the last FC
            is `num_classes` instead.
        batch_norm: put batch norm between each convolution and its ReLU. The convolutions keep their biases,
            which the norm cancels: so it is in torchvision.
        dropout: fraction of the outputs of both hidden dense layers that is dropped in training.
        width: factor of every number of channels, hidden neurons included.
        grid: height and width to which the last grid is averaged.

    Raises:
        ValueError: a cell that Table 1 does not know, a dropout that is no fraction below 1, or a width not
            above 0.
    """

    @property
    def torchvision_model(self) -> str:
        """The name counts the layers with weights, batch norm aside."""
        layers = [layer for layer in self.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
        norm = any(isinstance(layer, nn.BatchNorm2d) for layer in self.modules())
        return f"vgg{len(layers)}{'_bn' if norm else ''}"

    def __init__(
        self,
        column: Sequence[str],
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        batch_norm: bool = False,
        dropout: float = VGG_DROPOUT,
        width: float = 1.0,
        grid: int = VGG_GRID,
    ) -> None:
        super().__init__()
        layers = vgg_layers(column, width=width)
        stages = vgg_stages(layers, num_classes=num_classes, batch_norm=batch_norm, grid=grid)
        self.takes(stages, in_channels)
        self.blocks = nn.Sequential()
        channels = in_channels
        for number, block in enumerate(layers.blocks, 1):
            self.blocks.add_module(f"block{number}", _block(channels, block, batch_norm=batch_norm))
            channels = [conv.channels for conv in block if isinstance(conv, VGGConv)][-1]
        self.fit = nn.AdaptiveAvgPool2d(grid)
        self.hidden1 = nn.Linear(channels * grid**2, layers.hidden[0])
        self.hidden2 = nn.Linear(layers.hidden[0], layers.hidden[1])
        self.linear = nn.Linear(layers.hidden[1], num_classes)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(fraction("dropout", dropout))
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.check_input(x)  # N×3×224×224
        for block in self.blocks:
            x = block(x)  # N×64×112×112, N×128×56×56, N×256×28×28, N×512×14×14, N×512×7×7
        x = self.fit(x).flatten(1)  # N×25088
        x = self.dropout(self.relu(self.hidden1(x)))  # N×4096
        x = self.dropout(self.relu(self.hidden2(x)))  # N×4096
        return self.linear(x)  # N×num_classes

    def torchvision_names(self) -> dict[str, str]:
        layers = [(name, layer) for name, layer in self.blocks.named_modules() if not list(layer.children())]
        if any(isinstance(layer, LocalResponseNorm) or _is_1x1(layer) for _, layer in layers):
            return super().torchvision_names()
        features = {
            f"blocks.{name}": f"features.{position}"
            for position, (name, layer) in enumerate(layers)
            if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d))
        }
        return features | {"hidden1": "classifier.0", "hidden2": "classifier.3", "linear": "classifier.6"}


def _is_1x1(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1)


def _block(in_channels: int, block: Sequence[VGGConv | str], *, batch_norm: bool) -> nn.Sequential:
    """Return convolutions `conv1`, `conv2`, …, each with its ReLU, and a 2×2 pooling."""
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for cell in block:
        if isinstance(cell, VGGConv):
            conv = nn.Conv2d(in_channels, cell.channels, cell.kernel_size, padding=cell.kernel_size // 2)
            norm = [nn.BatchNorm2d(cell.channels)] if batch_norm else []
            modules[f"conv{len(modules) + 1}"] = nn.Sequential(conv, *norm, nn.ReLU(inplace=True))
            in_channels = cell.channels
        else:
            modules["norm"] = response_norm()
    modules["pool"] = nn.MaxPool2d(2, stride=2)
    return nn.Sequential(modules)


def vgg11(
    *,
    batch_norm: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return column A, 11 layers with weights: N×3×224×224 → N×1000. 132,863,336 parameters without
    batch norm. See `VGG` for the options, and `weights.load` for `weights`."""
    net = VGG(
        vgg_column("A"),
        batch_norm=batch_norm,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
    )
    return load(net, weights)


def vgg11_bn(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return `vgg11` with batch norm after each convolution, under torchvision's name."""
    return vgg11(
        batch_norm=True,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
        weights=weights,
    )


def vgg13(
    *,
    batch_norm: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return column B, 13 layers with weights: N×3×224×224 → N×1000. 133,047,848 parameters without
    batch norm. See `VGG` for the options, and `weights.load` for `weights`."""
    net = VGG(
        vgg_column("B"),
        batch_norm=batch_norm,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
    )
    return load(net, weights)


def vgg13_bn(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return `vgg13` with batch norm after each convolution, under torchvision's name."""
    return vgg13(
        batch_norm=True,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
        weights=weights,
    )


def vgg16(
    *,
    batch_norm: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return column D, 16 layers with weights: N×3×224×224 → N×1000. 138,357,544 parameters without
    batch norm. See `VGG` for the options, and `weights.load` for `weights`."""
    net = VGG(
        vgg_column("D"),
        batch_norm=batch_norm,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
    )
    return load(net, weights)


def vgg16_bn(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return `vgg16` with batch norm after each convolution, under torchvision's name."""
    return vgg16(
        batch_norm=True,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
        weights=weights,
    )


def vgg19(
    *,
    batch_norm: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return column E, 19 layers with weights: N×3×224×224 → N×1000. 143,667,240 parameters without
    batch norm. See `VGG` for the options, and `weights.load` for `weights`."""
    net = VGG(
        vgg_column("E"),
        batch_norm=batch_norm,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
    )
    return load(net, weights)


def vgg19_bn(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> VGG:
    """Return `vgg19` with batch norm after each convolution, under torchvision's name."""
    return vgg19(
        batch_norm=True,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
        weights=weights,
    )


def vgg16_c(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = VGG_DROPOUT,
    width: float = 1.0,
) -> VGG:
    """Return column C, 16 layers with weights, three of them 1×1: N×3×224×224 → N×1000. 133,638,952
    parameters. torchvision has no such network. See `VGG` for the options."""
    return VGG(
        vgg_column("C"),
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width=width,
    )


LESSON_COLUMN: tuple[str, ...] = (
    "conv3-16", "conv3-16", "maxpool",
    "conv3-24", "conv3-24", "maxpool",
    "conv3-40", "conv3-40", "maxpool",
    "conv3-48", "conv3-48", "maxpool",
    "FC-64", "FC-64", "FC-10", "soft-max",
)  # fmt: skip
"""The lesson-size network in the words of Table 1: four blocks, for 28 pixels cannot be halved five times."""


def vgg_lesson(*, num_classes: int = 10, in_channels: int = 1, batch_norm: bool = True) -> VGG:
    """Return a small VGG network of `LESSON_COLUMN` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    Unlike the paper's networks it averages its last grid to one position and drops nothing.

    Args:
        batch_norm: put batch norm after each convolution, which the paper could not: without it these eleven
            layers learn slowly, and the learning rates that suit this book's other networks are too large.
    """
    return VGG(
        LESSON_COLUMN,
        num_classes=num_classes,
        in_channels=in_channels,
        batch_norm=batch_norm,
        dropout=0.0,
        grid=1,
    )
