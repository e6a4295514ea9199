"""What the networks of the book share: each knows the images it takes, and says so."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from inception_lessons._check import buildable, instance, positive
from inception_lessons.costs import InputSizes, Stage, input_sizes, layer_costs, total, walk


class Network(nn.Module):
    """A classifier of images, N×in_channels×H×W → N×num_classes logits.

    `stages` is the same network as data: `costs.walk` counts it, and it tells the smallest image (for a
    network whose first dense layer fixes the grid also the largest).
    """

    stages: Sequence[Stage]
    in_channels: int
    input_sizes: InputSizes
    torchvision_model: str = ""
    """What torchvision calls the network with the layers of `torchvision_names()`."""

    def takes(self, stages: Sequence[Stage], in_channels: int) -> None:
        """Set what `check_input` checks; call it in the constructor, after `super().__init__()`.

        Raises:
            ValueError: the network would have more than 10¹⁰ parameters.
        """
        self.stages = tuple(stages)
        self.in_channels = positive("in_channels", in_channels)
        self.input_sizes = input_sizes(self.stages, in_channels)
        main = [stage for stage in self.stages if not stage.aside]
        layers = layer_costs(walk(main, in_channels, self.input_sizes.smallest))
        buildable(total(layers).parameters, "num_classes, in_channels or width")

    def check_input(self, x: Tensor) -> Tensor:
        """Return `x`, or refuse what the layers cannot take.

        Raises:
            ValueError: not four dimensions, another number of channels, or an image too small or too large.
            TypeError: `x` is no tensor.
        """
        return _checked(x, self.in_channels, *self.input_sizes)

    def torchvision_names(self) -> dict[str, str]:
        """Return, for the path of each layer with weights, its path in torchvision's network.

        Raises:
            ValueError: torchvision has no network with these layers.
        """
        raise ValueError(f"torchvision has no network with the layers of this {type(self).__name__}")


@torch.fx.wrap
def _checked(x: Tensor, in_channels: int, smallest: int, largest: int | None) -> Tensor:
    if instance("x", x, Tensor).dim() != 4:
        raise ValueError(
            f"x must have 4 dimensions N×C×H×W, got shape {tuple(x.shape)}; one image is x.unsqueeze(0)"
        )
    if x.shape[1] != in_channels:
        raise ValueError(
            f"x must have {in_channels} channels, got {x.shape[1]}; or build with in_channels={x.shape[1]}"
        )
    height, width = x.shape[-2:]
    if min(height, width) < smallest:
        raise ValueError(
            f"x must be at least {smallest} pixels high and wide, got {height}×{width}; resize the images"
        )
    if largest is not None and max(height, width) > largest:
        raise ValueError(
            f"x must be at most {largest} pixels high and wide, got {height}×{width}: the first dense layer "
            f"fixes the grid; resize or crop the images"
        )
    return x


def initialise(module: nn.Module, conv_bias: float = 0.0) -> None:
    """Set weights by Xavier's rule (uniform, inputs and outputs averaged), convolution biases to `conv_bias`
    and dense ones to 0.
    """
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, conv_bias if isinstance(layer, nn.Conv2d) else 0.0)


def start_for_relu(net: nn.Module) -> None:
    """Draw the weights of every layer from a Gaussian of variance 2 / inputs, and set biases to 0.

    The rule of He et al. (arXiv:1502.01852, section 2.2) of 2015, three years after AlexNet: it keeps the
    size of the signal through layers with ReLU. The lesson-size networks start so.
    """
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
