"""Networks that only experiments build: small, and apart from each other by one idea at a time."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from inception_lessons._check import one_of, positive
from inception_lessons.blocks import ConvReLU
from inception_lessons.costs import Figure6Row
from inception_lessons.models import get_model
from inception_lessons.models._network import initialise
from inception_lessons.models.bn_inception import InceptionDouble3, ReductionDouble3
from inception_lessons.models.googlenet import AuxiliaryHead, GoogLeNet, Inception, NaiveInception
from inception_lessons.models.inception_v3 import AsymmetricInception
from inception_lessons.papers import (
    GOOGLENET_TABLE_1,
    PASS_THROUGH,
    AuxiliaryHeads,
    BNInceptionRow,
    GoogLeNetRow,
    InceptionWidths,
)

_WIDTHS = {
    #                    1×1 3r  3×3 5r 5×5 proj
    "a": InceptionWidths(16, 16, 24, 8, 8, 8),
    "b": InceptionWidths(24, 16, 32, 8, 16, 16),
    "c": InceptionWidths(32, 24, 40, 8, 16, 16),
    "d": InceptionWidths(48, 32, 48, 8, 16, 16),
}
_HEAD = AuxiliaryHeads(
    after=("b",), pool_size=5, pool_stride=3, conv1=32, hidden=64, dropout=0.7, loss_weight=0.3
)


class StepOutput(NamedTuple):
    """What `InceptionSteps` returns in training mode with its auxiliary head; each N×num_classes."""

    logits: Tensor
    aux_b: Tensor


class InceptionSteps(nn.Module):
    """A small Inception network, N×in_channels×28×28 → N×num_classes, that takes the ideas of 2014 and 2015
    one by one.

    A 3×3 of stride 2, the modules a and b on 14×14, a halving of the grid, c and d on 7×7, the mean, a dense
    layer. Weights start by Xavier's rule, biases of convolutions at 0.2, as in `models.googlenet`.

    Args:
        module: "naive" (GoogLeNet's Figure 2a), "reduced" (2b), or "double" (the 5×5 as two 3×3).
        batch_norm: put batch norm between convolutions and ReLUs.
        asymmetric: let module b be that of 1×7 and 7×1, its pooling kept; needs batch norm, which that module
            always has.
        reduction: "pool" halves the grid by max pooling alone, "parallel" by BN-Inception's module.
        aux: build a head on module b with GoogLeNet's layers: mean over 4×4 areas, 1×1, two dense layers.

    Raises:
        ValueError: an unknown word, or `asymmetric` without batch norm.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        num_classes: int = 10,
        module: str = "naive",
        batch_norm: bool = False,
        asymmetric: bool = False,
        reduction: str = "pool",
        aux: bool = False,
    ) -> None:
        super().__init__()
        if asymmetric and not batch_norm:
            raise ValueError("asymmetric=True needs batch_norm=True: its module always has batch norm")
        build, norm = _MODULES[one_of("module", module, _MODULES)], {"batch_norm": batch_norm}
        self.stem = ConvReLU(positive("in_channels", in_channels), 16, 3, stride=2, **norm)
        self.body = nn.ModuleDict()
        channels = 16
        for key, widths in _WIDTHS.items():
            if key == "b" and asymmetric:
                block = AsymmetricInception(channels, _asymmetric(widths))
                block.pool = nn.MaxPool2d(3, stride=1, padding=1)
            else:
                block = build(channels, widths, **norm)
            self.body[key] = block
            channels = block.out_channels
            if key == "b":
                self.aux = AuxiliaryHead(channels, num_classes, _HEAD, adaptive=True, **norm) if aux else None
                if one_of("reduction", reduction, ("pool", "parallel")) == "pool":
                    self.body["halve"] = nn.MaxPool2d(3, stride=2, padding=1)
                else:
                    self.body["halve"] = ReductionDouble3(channels, _HALVING, **norm)
                    channels = self.body["halve"].out_channels
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(channels, positive("num_classes", num_classes))
        initialise(self, conv_bias=0.2)

    def forward(self, x: Tensor) -> Tensor | StepOutput:
        x, aux = self.stem(x), None  # N×16×14×14
        for key, block in self.body.items():
            x = block(x)
            if key == "b" and self.aux is not None and self.training:
                aux = self.aux(x)  # N×num_classes
        logits = self.linear(self.pool(x).flatten(1))  # N×num_classes
        return logits if aux is None else StepOutput(logits, aux)


def _double(in_channels: int, widths: InceptionWidths, *, batch_norm: bool) -> InceptionDouble3:
    """Return the module with two 3×3 for the 5×5, all widths kept, and the pooling too."""
    row = BNInceptionRow(
        "", "inception", None, None, (0, 0, 0), 3, widths.conv1, widths.reduce3, widths.conv3,
        widths.reduce5, widths.conv5, "max", widths.project,
    )  # fmt: skip
    return InceptionDouble3(in_channels, row, batch_norm=batch_norm)


def _asymmetric(widths: InceptionWidths) -> Figure6Row:
    return Figure6Row("b", widths.conv1, 7, widths.reduce3, widths.conv3, widths.conv5, widths.project)


_MODULES: dict[str, Callable[..., nn.Module]] = {
    "naive": NaiveInception,
    "reduced": Inception,
    "double": _double,
}
_HALVING = BNInceptionRow("halve", "inception", None, 2, (7, 7, 0), 3, 0, 16, 24, 8, 16, "max", PASS_THROUGH)


class LargeKernels(nn.Sequential):
    """Two layers that see 7×7 each, on one grid: N×in_channels×28×28 → N×num_classes.

    A 3×3 with the stride that gives the grid, the two layers (batch norm and ReLU after every convolution),
    the mean, a dense layer.

    Args:
        grid: 28, 14 or 7 positions a side.
        form: "direct" (7×7), "asymmetric" (1×7 and 7×1) or "stacked" (three 3×3); 16 channels throughout.
    """

    def __init__(
        self, *, in_channels: int = 1, num_classes: int = 10, grid: int = 14, form: str = "direct"
    ) -> None:
        if grid not in (28, 14, 7):
            raise ValueError(f"grid must be 28, 14 or 7, got {grid}")
        kernels = _FORMS[one_of("form", form, _FORMS)]
        layers = [ConvReLU(16, 16, kernel, batch_norm=True) for kernel in kernels * 2]
        super().__init__(
            ConvReLU(positive("in_channels", in_channels), 16, 3, stride=28 // grid, batch_norm=True),
            *layers,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, positive("num_classes", num_classes)),
        )
        initialise(self)


_FORMS = {"direct": [7], "asymmetric": [(1, 7), (7, 1)], "stacked": [3, 3, 3]}

_NINE_MODULES = (
    GoogLeNetRow("conv1", "convolution", 3, 2, (14, 14, 192), 1, *[None] * 8),
    *(row for row in GOOGLENET_TABLE_1 if row.key not in ("conv1", "pool1", "conv2", "pool2", "pool3")),
)


def nine_modules(
    *, in_channels: int = 1, num_classes: int = 10, batch_norm: bool = False, aux: bool = False
) -> GoogLeNet:
    """Return GoogLeNet from module 3a on, an eighth as wide, for small images: N×in_channels×28×28 →
    N×num_classes.

    The stem is one 3×3 of stride 2, and no pooling stands between the modules 3b and 4a. So 4a to 5b have the
    grids of Table 1 (14 and 7), and the heads on 4a and 4d are the paper's, a dropout of 0.7 in them. There
    is no other dropout and no local response normalisation. From one random state the weights outside the
    heads are the same with and without `aux`.

    Args:
        batch_norm: put batch norm between convolutions and ReLUs, in place of biases.
        aux: keep the auxiliary heads.
    """
    net = GoogLeNet(
        _NINE_MODULES,
        in_channels=in_channels,
        num_classes=num_classes,
        batch_norm=batch_norm,
        dropout=0.0,
        width=1 / 8,
    )
    if not aux:
        net.aux = nn.ModuleDict()
    return net


_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "inception_steps": InceptionSteps,
    "large_kernels": LargeKernels,
    "nine_modules": nine_modules,
}


def build(name: str, **options: object) -> nn.Module:
    """Return a network of this file by name, or else the one that `models.get_model` knows."""
    return _BUILDERS[name](**options) if name in _BUILDERS else get_model(name, **options)
