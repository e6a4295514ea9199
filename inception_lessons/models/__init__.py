"""The networks of the lineage, one file per paper.

`get_model` builds one by name, `list_models` names them all.
"""

from collections.abc import Callable

from torch import nn

from inception_lessons._check import one_of
from inception_lessons.models.googlenet import googlenet, googlenet_lesson

_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    builder.__name__: builder for builder in (googlenet, googlenet_lesson)
}


def list_models() -> list[str]:
    """Return the names that `get_model` knows, sorted."""
    return sorted(_BUILDERS)


def get_model(name: str, **options: object) -> nn.Module:
    """Return the network `name`, built with the keyword options of its function.

    Raises:
        ValueError: the name is not known; the message lists the nearest known ones.
    """
    return _BUILDERS[one_of("name", name, _BUILDERS)](**options)
