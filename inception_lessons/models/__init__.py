"""The networks of the lineage, one file per paper.

`get_model` builds one by name, `list_models` names them all, `deploy` makes one fast for inference.
"""

from collections.abc import Callable

from torch import nn

from inception_lessons._check import one_of
from inception_lessons.deployment import deploy
from inception_lessons.models.alexnet import alexnet, alexnet_lesson
from inception_lessons.models.bn_inception import bn_inception, bn_inception_lesson
from inception_lessons.models.googlenet import googlenet, googlenet_lesson
from inception_lessons.models.inception_v3 import (
    inception_v2_lesson,
    inception_v2_rethinking,
    inception_v3,
    inception_v3_lesson,
)
from inception_lessons.models.lenet import lenet, lenet5, lenet_lesson
from inception_lessons.models.nin import nin_cifar10, nin_imagenet, nin_lesson
from inception_lessons.models.vgg import (
    vgg11,
    vgg11_bn,
    vgg13,
    vgg13_bn,
    vgg16,
    vgg16_bn,
    vgg16_c,
    vgg19,
    vgg19_bn,
    vgg_lesson,
)
from inception_lessons.models.zfnet import zfnet, zfnet_lesson

__all__ = ["deploy", "get_model", "get_model_builder", "list_models"]

_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    builder.__name__: builder
    for builder in (
        lenet5,
        lenet,
        lenet_lesson,
        alexnet,
        alexnet_lesson,
        zfnet,
        zfnet_lesson,
        nin_cifar10,
        nin_imagenet,
        nin_lesson,
        vgg11,
        vgg11_bn,
        vgg13,
        vgg13_bn,
        vgg16,
        vgg16_bn,
        vgg16_c,
        vgg19,
        vgg19_bn,
        vgg_lesson,
        googlenet,
        googlenet_lesson,
        bn_inception,
        bn_inception_lesson,
        inception_v2_rethinking,
        inception_v2_lesson,
        inception_v3,
        inception_v3_lesson,
    )
}

_AMBIGUOUS = {
    "inception_v2": (
        "two networks: 'bn_inception' (arXiv:1502.03167) and 'inception_v2_rethinking' (arXiv:1512.00567)"
    )
}
"""Names that the literature gives to more than one network."""


def list_models() -> list[str]:
    """Return the names that `get_model` knows, sorted."""
    return sorted(_BUILDERS)


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """Return the function that builds the network `name`.

    Raises:
        ValueError: the name is not known, and the message lists the nearest known ones; or it stands for two
            networks, and the message names both.
    """
    if isinstance(name, str) and name in _AMBIGUOUS:
        raise ValueError(f"name {name!r} stands for {_AMBIGUOUS[name]}; say which")
    return _BUILDERS[one_of("name", name, _BUILDERS)]


def get_model(name: str, **options: object) -> nn.Module:
    """Return the network `name`, built with the keyword options of its function; errors as for
    `get_model_builder`."""
    return get_model_builder(name)(**options)
