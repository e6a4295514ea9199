"""AlexNet (NIPS 2012): the layers of section 3.5 and Figure 2, and the counts in the text."""

from functools import partial

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, Paper, compare, compare_exact
from inception_lessons.papers import ALEXNET_CLAIMS, ALEXNET_INPUT, ALEXNET_LAYERS

EXPLANATIONS: dict[tuple[str, str], str] = {
    ("conv1", "neurons"): (
        "253,440 is 96 · 55 · 48, as if the map had 48 positions along one side; 48 is the number of its "
        "kernels on each GPU. 96 maps of 55 · 55 have 290,400 neurons. With these the layers "
        "have 659,272 (without the input), nearer to the 650,000 of the abstract than the 622,312 that the "
        "caption's own numbers give."
    ),
    ("input", "size"): (
        "An 11×11 window with stride 4 fits 54 times into 224 positions, and 55 times only from 227 on. The "
        "author's program, cuda-convnet, rounds up: its last window reaches 3 positions over the edge, and "
        "224 gives 55. Libraries that round down take 227, or pad by 2."
    ),
    ("text", "augmentation"): (
        "32 · 32 places and 2 reflections. A window of 224 has 33 places along 256, which makes 2,178."
    ),
}

_exact = partial(compare_exact, explanations=EXPLANATIONS)


def alexnet_layers() -> list[Comparison]:
    """Return what section 3.5 and Figure 2 print of each layer beside what follows from the other layers."""
    layers = costs.alexnet()
    sizes = costs.input_sizes(costs.alexnet_stages(costs.alexnet_table()), ALEXNET_INPUT[2])
    compared = [_exact(("input", "size"), ALEXNET_INPUT[0], sizes.smallest)]
    for row, layer in zip(ALEXNET_LAYERS, layers, strict=True):
        if row.type == "convolution":
            kernels = row.channels * row.kernel_size**2
            depth = (layer.cost.parameters - row.channels) // kernels
            compared.append(_exact((row.key, "kernel depth"), row.kernel_depth, depth))
            compared.append(_exact((row.key, "grid"), row.grid, layer.cost.output_shape[1]))
        compared.append(_exact((row.key, "neurons"), row.neurons, layer.cost.activations))
    return compared


def alexnet_text() -> list[Comparison]:
    """Return the counts that abstract, text and caption state beside those of the layers."""
    claims = {name: claim.value for name, claim in ALEXNET_CLAIMS.items()}
    height, width, channels = ALEXNET_INPUT
    layers = costs.alexnet()
    total = costs.total(layers)
    places = 256 - height + 1
    return [
        _compared("parameters", "60 million", claims["parameters"], total.parameters, 1_000_000),
        _compared("neurons", "650,000", claims["neurons"], total.activations, 10_000),
        _compared("layers", "eight", claims["layers"], len(layers), 1),
        _compared("input_neurons", "150,528", claims["input_neurons"], height * width * channels, 1),
        _compared("augmentation", "2048", claims["augmentation"], 2 * places**2, 1),
    ]


def _compared(name: str, printed: str, stated: float, computed: int, unit: int) -> Comparison:
    return compare(
        ("text", name), printed, stated, computed, f"{computed:,}", unit, explanations=EXPLANATIONS
    )


ALEXNET = Paper(
    "AlexNet",
    "ImageNet classification with deep convolutional neural networks, NIPS 2012",
    EXPLANATIONS,
    {"layers": alexnet_layers, "text": alexnet_text},
    ALEXNET_CLAIMS,
)
