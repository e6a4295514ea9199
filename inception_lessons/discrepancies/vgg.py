"""VGG (arXiv:1409.1556): the head of Table 1, Table 2, and the arithmetic of section 2.3."""

from functools import partial

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import (
    Comparison,
    Paper,
    compare_count,
    compare_exact,
)
from inception_lessons.papers import VGG_CLAIMS, VGG_SUMMARY

EXPLANATIONS: dict[tuple[str, str], str] = {}

_exact = partial(compare_exact, explanations=EXPLANATIONS)


def vgg_tables() -> list[Comparison]:
    """Return depth (Table 1) and parameters (Table 2) of every column beside those of its layers."""
    compared = []
    for column, summary in VGG_SUMMARY.items():
        layers = costs.vgg(column)
        parameters = costs.total(layers).parameters
        compared.append(_exact((column, "weight layers"), summary.weight_layers, len(layers)))
        compared.append(compare_count((column, "parameters"), summary.parameters, parameters, EXPLANATIONS))
    return compared


def vgg_text() -> list[Comparison]:
    """Return the counts of section 2.3 and of the crops beside those of layers and grids."""
    three = 3 * costs.conv2d(1, 1, 3, 7, padding=1, bias=False).parameters
    one = costs.conv2d(1, 1, 7, 7, padding=3, bias=False).parameters
    computed = {
        "three_3x3": three,
        "one_7x7": one,
        "more_weights": 100 * (one - three) / three,
        "field_of_two": costs.receptive_field([(3, 1)] * 2).size,
        "field_of_three": costs.receptive_field([(3, 1)] * 3).size,
        "crops_per_scale": costs.multi_crop_count(1, 1, 5 * 5),
        "crops": costs.multi_crop_count(3, 1, 5 * 5),
    }
    return [_exact(("text", name), int(VGG_CLAIMS[name].value), value) for name, value in computed.items()]


VGG = Paper(
    "VGG",
    "Very deep convolutional networks for large-scale image recognition, arXiv:1409.1556",
    EXPLANATIONS,
    {"tables 1 and 2": vgg_tables, "text": vgg_text},
    VGG_CLAIMS,
)
