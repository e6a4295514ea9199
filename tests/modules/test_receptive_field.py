"""`receptive_field` against brute force (change one pixel and look), arithmetic and published sizes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.measure import CannotMeasureError, receptive_field


def pixels_that_matter(net: nn.Module, height: int, width: int) -> tuple:
    """Change one pixel at a time; return first and last row and column that reach the middle output.

    With positive weights on an image of ones no change can cancel another.
    """
    net = net.double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(0.1, 1.0)
        image = torch.ones(1, 1, height, width, dtype=torch.float64)
        changed = image + torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
        before, after = net(image), net(changed)
    row, column = before.shape[2] // 2, before.shape[3] // 2
    differs = (after - before)[:, :, row, column].abs().amax(1).view(height, width) > 1e-12
    rows, columns = differs.any(1).nonzero().flatten(), differs.any(0).nonzero().flatten()
    return (rows[0].item(), rows[-1].item()), (columns[0].item(), columns[-1].item())


class Inception(nn.Module):
    """Four branches with fields of four sizes, one of them asymmetric, and a shortcut."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 1)
        self.conv3 = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(True), nn.Conv2d(2, 2, 3, padding=1))
        self.conv5 = nn.Sequential(nn.Conv2d(1, 2, (1, 5), padding=(0, 2)), nn.BatchNorm2d(2))
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.project = nn.Conv2d(1, 2, (2, 1), dilation=2, padding=(1, 0))

    def forward(self, x):
        maps = torch.cat([self.conv1(x), self.conv3(x), self.conv5(x), self.project(self.pool(x))], 1)
        maps += x
        return maps.mean(1, keepdim=True)


class UNet(nn.Module):
    """Down, up again by a transposed convolution and by interpolation, and the skip connection."""

    def __init__(self, mode: str):
        super().__init__()
        self.down = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1, dilation=1)
        self.options = {"mode": mode} | ({"align_corners": False} if mode == "bilinear" else {})

    def forward(self, x):
        small = self.down(x)
        return self.up(small) + F.interpolate(small, scale_factor=2, **self.options) + x


class Squeeze(nn.Module):
    """Squeeze and excitation: a gate that sees the whole map."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return x * torch.sigmoid(0.01 * self.gate(x.mean((2, 3), keepdim=True)))


class ChannelsLast(nn.Module):
    """A dense layer over the channels of an N×H×W×C tensor, as in ConvNeXt, and a channel shuffle."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(1, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        x = self.dense(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        n, c, h, w = x.shape
        return x.reshape(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class Crops(nn.Module):
    def forward(self, x):
        padded = F.pad(x, (3, 1, 0, 2))
        return torch.stack([padded[:, :, 2::2, 1:-1:2], padded[:, :, 1:-1:2, 2::2]], 1).amax(1)


NETWORKS = {
    "chain": nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(2, 1, (3, 2))
    ),
    "dilated": nn.Sequential(
        nn.Conv2d(1, 2, (3, 2), dilation=(2, 3)), nn.AvgPool2d((2, 3), (1, 2), padding=(1, 0))
    ),
    "inception": nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), Inception(), Inception()),
    "transposed": nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=3), nn.ConvTranspose2d(2, 1, (4, 3), stride=3, padding=(1, 0))
    ),
    "dilated transposed": nn.ConvTranspose2d(1, 1, 3, stride=2, dilation=3, padding=2),
    "nearest": UNet("nearest"),
    "bilinear": UNet("bilinear"),
    "squeeze": nn.Sequential(Squeeze(), nn.Conv2d(1, 1, 3)),
    "channels last": nn.Sequential(nn.Conv2d(1, 1, 3), ChannelsLast()),
    "adaptive": nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d((3, 4))),
    "response norm": nn.Sequential(nn.Conv2d(1, 8, 3), nn.LocalResponseNorm(5)),
    "instance norm": nn.Sequential(nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.Conv2d(2, 1, 3)),
    "crops": nn.Sequential(Crops(), nn.Conv2d(1, 1, 2)),
    "shuffle": nn.Sequential(nn.Conv2d(1, 4, 3), nn.PixelShuffle(2), nn.PixelUnshuffle(2)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("grid", [(22, 20), (16, 18)])
def test_visible_pixels_are_those_that_brute_force_finds(name, grid):
    torch.manual_seed(0)
    net = NETWORKS[name]
    expected = pixels_that_matter(net, *grid)
    assert receptive_field(net, (1, 1, *grid)).visible == expected


@pytest.mark.parametrize("name", ["chain", "dilated", "inception", "transposed", "nearest", "bilinear"])
def test_size_and_centre_are_the_visible_ones_far_from_the_border(name):
    field = receptive_field(NETWORKS[name], (1, 1, 90, 92))
    assert field.size == tuple(last - first + 1 for first, last in field.visible)
    assert field.centre == tuple((last + first) / 2 for first, last in field.visible)


def test_chains_equal_costs():
    layers = [(7, 2, 1), (3, 2, 1), (3, 1, 2), (5, 1, 1), (3, 2, 3)]
    size, jump = costs.receptive_field(layers)
    net = nn.Sequential(*(nn.Conv2d(1, 1, k, stride=s, dilation=d, padding=k // 2) for k, s, d in layers))
    field = receptive_field(net, (1, 1, 200, 160))
    assert (field.size, field.jump) == ((size, size), (jump, jump))
    steps = zip(field.first_centre, field.position, strict=True)
    assert field.centre == tuple(first + position * jump for first, position in steps)


@pytest.mark.parametrize(
    ("name", "options", "grid", "size"),
    [
        ("alexnet", {}, 224, 195),
        ("vgg16", {}, 224, 212),
        ("inception_v3", {"init_weights": False}, 299, 1311),
    ],
)
def test_published_sizes(name, options, grid, size):
    """The table of Araujo, Norris and Sim, "Computing Receptive Fields of CNNs", Distill 2019."""
    with torch.device("meta"):
        net = import_torchvision().models.get_model(name, weights=None, **options)
    field = receptive_field(net, (1, 3, grid, grid))
    assert (field.size, field.jump) == ((size, size), (32, 32))


def test_an_output_is_named_by_its_path():
    with torch.device("meta"):
        net = import_torchvision().models.googlenet(weights=None, init_weights=False)
    first = receptive_field(net, (1, 3, 224, 192), "conv1")
    assert (first.module, first.grid, first.size, first.jump) == ("conv1", (112, 96), (7, 7), (2, 2))
    # Stem to 3×3/2 pooling: (7, 2), (3, 2), (3, 1), (3, 2); the module's longest branch adds one 3×3.
    size, jump = costs.receptive_field([(7, 2, 1), (3, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 1)])
    module = receptive_field(net, (1, 3, 224, 192), "inception3a")
    assert (module.size, module.jump) == ((size, size), (jump, jump))
    assert receptive_field(net, (1, 3, 224, 192), "inception3a.branch1").size == (size - 16, size - 16)


def test_volumes_and_signals_have_as_many_axes():
    assert receptive_field(nn.Conv1d(1, 1, 5, stride=2), (1, 1, 40)).size == (5,)
    assert receptive_field(nn.Conv3d(1, 1, (1, 2, 3)), (1, 1, 9, 9, 9)).size == (1, 2, 3)


class Grown(nn.Module):
    """Writes into a slice of another tensor."""

    def forward(self, x):
        out = torch.zeros_like(x)
        out[:, :, 1:] = x[:, :, :-1]
        return out


@pytest.mark.parametrize(
    ("net", "shape", "output", "kind", "words"),
    [
        (nn.Linear(4, 4), (1, 4), None, ValueError, "batch, channels and at least one axis"),
        (nn.Conv2d(1, 1, 3), (1, 1, 2, 2), None, ValueError, "Conv2d refused"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), (1, 1, 9, 9), "conv1", ValueError, "output 'conv1' is not known"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.Flatten()), (1, 1, 9, 9), "1", ValueError, "has no grid"),
        (nn.Sequential(nn.Flatten(), nn.Linear(81, 2)), (1, 1, 9, 9), None, ValueError, "no feature map"),
        (nn.Sequential(Grown()), (1, 1, 9, 9), None, CannotMeasureError, r"0 \(Grown\) calls aten.copy_"),
        (nn.ReflectionPad2d(1), (1, 1, 9, 9), None, CannotMeasureError, "aten.reflection_pad2d"),
        (torch.relu, (1, 1, 9, 9), None, TypeError, "module must be"),
    ],
)
def test_what_cannot_be_followed_is_named(net, shape, output, kind, words):
    with pytest.raises(kind, match=words):
        receptive_field(net, shape, output)
