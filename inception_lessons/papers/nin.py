"""Network in Network: Lin, Chen and Yan, arXiv:1312.4400 (2013; ICLR 2014), and the definitions its first
author published.

The paper prints no table of its layers. `NIN_CIFAR10` is the file `NIN/cifar-10_def` of mavenlin/cuda-convnet
on GitHub. The paper has no ImageNet experiment either: `NIN_IMAGENET` is a later model of the Caffe model zoo
(`train_val.prototxt`, gist d802a5849de39225bcc6 of mavenlin).
"""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim


class NiNRow(NamedTuple):
    """One layer of a published definition; `None` where the layer has no such number.

    A `cccp` ("cascaded cross channel parametric pooling") is a 1×1 convolution. Each convolution is followed
    by ReLU, the last one too.
    """

    key: str
    type: str
    patch: int | None
    stride: int | None
    padding: int | None
    channels: int | None
    deviation: float | None
    """Standard deviation of the initial weights, which are Gaussian; biases start at 0."""
    dropout: float | None = None


_ = None
_Row = NiNRow

NIN_CIFAR10: tuple[NiNRow, ...] = (
    #    key         type        k  /s pad channels std   dropout
    _Row("conv1",    "conv",     5, 1, 2,  192,     0.05),
    _Row("cccp1",    "cccp",     1, 1, 0,  160,     0.05),
    _Row("cccp2",    "cccp",     1, 1, 0,  96,      0.05),
    _Row("pool1",    "max pool", 3, 2, _,  _,       _),
    _Row("dropout1", "dropout",  _, _, _,  _,       _,    0.5),
    _Row("conv2",    "conv",     5, 1, 2,  192,     0.05),
    _Row("cccp3",    "cccp",     1, 1, 0,  192,     0.05),
    _Row("cccp4",    "cccp",     1, 1, 0,  192,     0.05),
    _Row("pool2",    "max pool", 3, 2, _,  _,       _),
    _Row("dropout2", "dropout",  _, _, _,  _,       _,    0.5),
    _Row("conv3",    "conv",     3, 1, 1,  192,     0.05),
    _Row("cccp5",    "cccp",     1, 1, 0,  192,     0.05),
    _Row("cccp6",    "cccp",     1, 1, 0,  10,      0.05),
    _Row("poolg",    "avg pool", 8, 1, _,  _,       _),
)  # fmt: skip
"""`NIN/cifar-10_def`, for 32×32 images. `cifar-100_def` differs in its 100 outputs and in the deviations of
its first three layers."""

NIN_IMAGENET: tuple[NiNRow, ...] = (
    #    key           type        k   /s pad channels std   dropout
    _Row("conv1",      "conv",     11, 4, 0,  96,      0.01),
    _Row("cccp1",      "cccp",     1,  1, 0,  96,      0.05),
    _Row("cccp2",      "cccp",     1,  1, 0,  96,      0.05),
    _Row("pool0",      "max pool", 3,  2, _,  _,       _),
    _Row("conv2",      "conv",     5,  1, 2,  256,     0.05),
    _Row("cccp3",      "cccp",     1,  1, 0,  256,     0.05),
    _Row("cccp4",      "cccp",     1,  1, 0,  256,     0.05),
    _Row("pool2",      "max pool", 3,  2, _,  _,       _),
    _Row("conv3",      "conv",     3,  1, 1,  384,     0.01),
    _Row("cccp5",      "cccp",     1,  1, 0,  384,     0.05),
    _Row("cccp6",      "cccp",     1,  1, 0,  384,     0.05),
    _Row("pool3",      "max pool", 3,  2, _,  _,       _),
    _Row("drop",       "dropout",  _,  _, _,  _,       _,    0.5),
    _Row("conv4-1024", "conv",     3,  1, 1,  1024,    0.05),
    _Row("cccp7-1024", "cccp",     1,  1, 0,  1024,    0.05),
    _Row("cccp8-1024", "cccp",     1,  1, 0,  1000,    0.01),
    _Row("pool4",      "avg pool", 6,  1, _,  _,       _),
)  # fmt: skip
"""`train_val.prototxt` of the Caffe model zoo's "Network in Network Imagenet Model", for 224×224 images."""

_ZOO = 'Caffe model zoo, "Network in Network Imagenet Model"'

NIN_CLAIMS: dict[str, Claim] = {
    "imagenet_file": Claim("a snapshot of 29 MB", 29, _ZOO),
    "alexnet_file": Claim("AlexNet: about 230 MB", 230, _ZOO),
    "smaller_than_alexnet": Claim("one eighth of AlexNet's size", 8, _ZOO),
    "imagenet_top1": Claim("59.36 % top-1 accuracy on ImageNet validation, one crop", 59.36, _ZOO),
    "cifar10_error": Claim("10.41 % errors on CIFAR-10, with dropout", 10.41, "arXiv:1312.4400, Table 1"),
    "cifar10_error_augmented": Claim(
        "8.81 % errors on CIFAR-10, with dropout and augmentation", 8.81, "arXiv:1312.4400, Table 1"
    ),
    "cifar100_error": Claim("35.68 % errors on CIFAR-100, with dropout", 35.68, "arXiv:1312.4400, Table 2"),
}
