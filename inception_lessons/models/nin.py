"""Network in Network (Lin, Chen and Yan, arXiv:1312.4400): a small network slides over the image in place of
a filter, and the class maps are averaged in place of a dense layer.

`nin_cifar10` is the paper's network as its first author published it. `nin_imagenet` is the later model of
the Caffe model zoo; the paper has no ImageNet experiment. `nin_lesson` is the same idea at a size that two
CPU cores train in less than a minute.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from inception_lessons._check import fraction, one_of, positive
from inception_lessons.blocks import ConvReLU
from inception_lessons.costs import Stage, nin_stages, scale_channels
from inception_lessons.models._network import Network, initialise
from inception_lessons.papers import NIN_CIFAR10, NIN_IMAGENET, NiNRow


class MLPConv(nn.Module):
    """The mlpconv layer: a perceptron with two hidden layers on every patch of the image (section 3.1).

    N×in_channels×H×W → N×channels[2]×H'×W'. Its first layer is a convolution, the other two are 1×1
    convolutions ("cascaded cross channel parametric pooling"); ReLU follows each of the three.

    Args:
        channels: outputs of the three layers.
        padding: half the kernel if not given.
        batch_norm: put batch norm between each convolution and its ReLU; the paper has none.
        final_relu: put ReLU after the last layer, as the paper does.
    """

    def __init__(
        self,
        in_channels: int,
        channels: tuple[int, int, int],
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        batch_norm: bool = False,
        final_relu: bool = True,
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.conv = ConvReLU(
            in_channels, first, kernel_size, stride=stride, padding=padding, batch_norm=batch_norm
        )
        self.cccp1 = ConvReLU(first, second, 1, batch_norm=batch_norm)
        self.cccp2 = ConvReLU(second, third, 1, batch_norm=batch_norm)
        if not final_relu:
            del self.cccp2[-1]

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # N×channels[0]×H'×W'
        x = self.cccp1(x)  # N×channels[1]×H'×W'
        return self.cccp2(x)  # N×channels[2]×H'×W'


class NiN(Network):
    """Mlpconv layers with max pooling between them, the last with one map for each class; then the mean of
    each map.

    N×in_channels×H×W → N×num_classes logits, none of them negative if the last layer has its ReLU, for there
    is nothing but the mean after it. Poolings round the grid up.

    That ReLU makes a plain Network in Network fragile: a class whose map is 0 everywhere gets no gradient and
    stays silent. Chosen here, in place of the published Gaussians, where there is no batch norm: weights
    start by He's rule (normal, inputs counted), those of the last layer at a quarter of it, and biases at 0,
    those of the last layer at 1. So the classes start at logits of about 1, above the ReLU's corner. Too
    large a step can still silence them all, after which the loss stays at log(num_classes): without batch
    norm train with a smaller learning rate, or clip the gradients.

    Args:
        blocks: the mlpconv layers.
        dropout: after each pooling, the fraction of numbers dropped; 0 for none.
        stages: the same network as data.
    """

    def __init__(
        self, blocks: Sequence[MLPConv], dropout: Sequence[float], stages: Sequence[Stage], in_channels: int
    ) -> None:
        super().__init__()
        self.takes(stages, in_channels)
        self.body = nn.Sequential()
        for number, (block, rate) in enumerate(zip(blocks, (*dropout, None), strict=True), start=1):
            self.body.add_module(f"mlpconv{number}", block)
            if number < len(blocks):
                self.body.add_module(f"pool{number}", nn.MaxPool2d(3, stride=2, ceil_mode=True))
                if rate:
                    self.body.add_module(f"dropout{number}", nn.Dropout(rate))
        self.pool = nn.AdaptiveAvgPool2d(1)
        _start_by_he(self.body)

    def forward(self, x: Tensor) -> Tensor:
        x = self.check_input(x)
        x = self.body(x)  # N×num_classes×H'×W'
        return self.pool(x).flatten(1)  # N×num_classes


def _convolutions(body: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in body.modules() if isinstance(layer, nn.Conv2d)]


def _start_by_he(body: nn.Module) -> None:
    convs = _convolutions(body)
    for conv in convs:
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
    if convs[-1].bias is not None:
        with torch.no_grad():
            convs[-1].weight *= 0.25
            convs[-1].bias += 1


def _start_by_gaussians(body: nn.Module, table: Sequence[NiNRow]) -> None:
    """Draw the weights with the deviations of `table`, and set the biases to 0, as the definitions do."""
    deviations = [row.deviation for row in table if row.deviation is not None]
    for conv, deviation in zip(_convolutions(body), deviations, strict=True):
        nn.init.normal_(conv.weight, std=deviation)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)


def nin_cifar10(
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.5, width: float = 1.0
) -> NiN:
    """Return the paper's network for CIFAR-10: N×3×32×32 → N×10. 966,986 parameters; 984,356 for 100 classes.

    Source: `NIN/cifar-10_def` of mavenlin/cuda-convnet on GitHub. Images of other sizes work too, because the
    mean at the end is taken over all positions.

    Args:
        dropout: fraction dropped after both poolings.
        width: scales every number of channels but the classes'.
    """
    options = {"in_channels": in_channels, "num_classes": positive("num_classes", num_classes)}
    stages = nin_stages(NIN_CIFAR10, **options, width=width)
    c = partial(scale_channels, width=width)
    blocks = [
        MLPConv(in_channels, (c(192), c(160), c(96)), 5),
        MLPConv(c(96), (c(192), c(192), c(192)), 5),
        MLPConv(c(192), (c(192), c(192), num_classes), 3),
    ]
    return NiN(blocks, [fraction("dropout", dropout)] * 2, stages, in_channels)


def nin_imagenet(
    *, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5, width: float = 1.0
) -> NiN:
    """Return the Caffe model zoo's Network in Network for ImageNet: N×3×224×224 → N×1000. 7,595,176
    parameters.

    Source: `train_val.prototxt` of gist d802a5849de39225bcc6, by the paper's first author. The paper itself
    has no ImageNet experiment.

    Args:
        dropout: fraction dropped after the last pooling.
        width: scales every number of channels but the classes'.
    """
    options = {"in_channels": in_channels, "num_classes": positive("num_classes", num_classes)}
    stages = nin_stages(NIN_IMAGENET, **options, width=width)
    c = partial(scale_channels, width=width)
    blocks = [
        MLPConv(in_channels, (c(96), c(96), c(96)), 11, stride=4, padding=0),
        MLPConv(c(96), (c(256), c(256), c(256)), 5),
        MLPConv(c(256), (c(384), c(384), c(384)), 3),
        MLPConv(c(384), (c(1024), c(1024), num_classes), 3),
    ]
    return NiN(blocks, [0.0, 0.0, fraction("dropout", dropout)], stages, in_channels)


_ = None
_Row = NiNRow

LESSON_TABLE: tuple[NiNRow, ...] = (
    #    key      type        k  /s pad channels std
    _Row("conv1", "conv",     5, 1, 2,  32, 0.05),
    _Row("cccp1", "cccp",     1, 1, 0,  24, 0.05),
    _Row("cccp2", "cccp",     1, 1, 0,  16, 0.05),
    _Row("pool1", "max pool", 3, 2, _,  _,  _),
    _Row("conv2", "conv",     3, 1, 1,  48, 0.05),
    _Row("cccp3", "cccp",     1, 1, 0,  48, 0.05),
    _Row("cccp4", "cccp",     1, 1, 0,  48, 0.05),
    _Row("pool2", "max pool", 3, 2, _,  _,  _),
    _Row("conv3", "conv",     3, 1, 1,  80, 0.05),
    _Row("cccp5", "cccp",     1, 1, 0,  80, 0.05),
    _Row("cccp6", "cccp",     1, 1, 0,  10, 0.05),
    _Row("poolg", "avg pool", 7, 1, _,  _,  _),
)  # fmt: skip
"""The lesson-size network in the form of the published definitions: three mlpconv layers, 28×28 images. The
deviations are those of `NIN_CIFAR10`, though its layers are wider."""

Start = Literal["he", "gaussian", "xavier"]
"""How the weights of `nin_lesson` start."""


def nin_lesson(
    *,
    num_classes: int = 10,
    in_channels: int = 1,
    batch_norm: bool = True,
    start: Start = "he",
    final_relu: bool = True,
) -> NiN:
    """Return a small Network in Network of `LESSON_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    The paper's: three mlpconv layers of one spatial and two 1×1 convolutions, pooling between them, ReLU
    after every convolution, the last one too, and the mean of each class map. Ours: fewer channels, 3×3 for
    the second 5×5, no dropout, batch norm and He's rule. `batch_norm=False, start="gaussian"` takes the last
    two away again. Without batch norm train with clipped gradients, `fit(…, learning_rate=0.1, clip=1.0)`,
    or with Adam at 0.003: see `NiN` for what larger steps do.

    Args:
        batch_norm: put batch norm between each convolution and its ReLU, in place of the biases.
        start: `"he"` as `NiN` says; `"gaussian"` with the standard deviations of the table and biases at 0;
            `"xavier"` by Xavier's rule and biases at 0, as in a well-known course.
        final_relu: put ReLU between the class maps and their mean.
    """
    options = {"in_channels": in_channels, "num_classes": positive("num_classes", num_classes)}
    one_of("start", start, get_args(Start))
    blocks = [
        MLPConv(in_channels, (32, 24, 16), 5, batch_norm=batch_norm),
        MLPConv(16, (48, 48, 48), 3, batch_norm=batch_norm),
        MLPConv(48, (80, 80, num_classes), 3, batch_norm=batch_norm, final_relu=final_relu),
    ]
    net = NiN(blocks, [0.0, 0.0], nin_stages(LESSON_TABLE, **options), in_channels)
    if start == "gaussian":
        _start_by_gaussians(net.body, LESSON_TABLE)
    elif start == "xavier":
        initialise(net.body)
    return net
