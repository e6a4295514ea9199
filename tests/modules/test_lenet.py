"""LeNet-5 and its simplification against the arithmetic, and LeNet-5's unusual layers against plain loops."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from inception_lessons import costs
from inception_lessons.measure import measure
from inception_lessons.models import get_model
from inception_lessons.models.lenet import (
    DIGITS,
    EuclideanRBF,
    LeNet,
    PartialConv,
    Squash,
    Subsampling,
    digit_codes,
    map_criterion,
)
from inception_lessons.papers import LENET5_CODE_GRID, LENET5_LAYERS, LENET5_TABLE_1


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def counted(net: nn.Module, *shape: int) -> list[tuple]:
    """Output, parameters and MACs of each layer with weights, as `measure` counts them on the module."""
    return [(r.output_shape[1:], r.parameters, r.macs) for r in measure(net, shape).rows if r.parameters]


def computed(layers: list[costs.LayerCost]) -> list[tuple]:
    return [(layer.cost.output_shape, layer.cost.parameters, layer.cost.macs) for layer in layers]


def test_lenet5_counts_equal_the_arithmetic_layer_by_layer():
    net = get_model("lenet5")
    assert parameters(net) == 60_000
    assert counted(net, 1, 1, 32, 32) == computed(costs.lenet5())
    assert measure(net, (1, 1, 32, 32)).macs == costs.total(costs.lenet5()).macs


def test_every_layer_has_the_printed_parameters_and_size():
    net, printed = get_model("lenet5"), {row.key.lower(): row for row in LENET5_LAYERS}
    shapes = {}
    for key in printed:
        net.get_submodule(key).register_forward_hook(
            lambda module, args, out, key=key: shapes.update({key: tuple(out.shape[1:])})
        )
    net(torch.zeros(1, 1, 32, 32))
    for key, row in printed.items():
        assert parameters(net.get_submodule(key)) == int((row.params or "0").replace(",", "")), key
        assert shapes[key] == ((row.maps, row.size, row.size) if len(shapes[key]) == 3 else (row.maps,)), key


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_simplified_lenet_equals_the_arithmetic_with_every_option(activation, pooling):
    net = get_model("lenet", activation=activation, pooling=pooling)
    assert counted(net, 1, 1, 28, 28) == computed(costs.lenet(pooling=pooling))
    assert (parameters(net), measure(net, (1, 1, 28, 28)).macs) == (61_706, 416_520)


@pytest.mark.parametrize("size", [28, 47, 64])
def test_lesson_equals_the_arithmetic_at_any_size(size):
    layers = costs.lenet(any_size=True, input_size=size, in_channels=3, num_classes=5)
    assert counted(get_model("lenet_lesson", in_channels=3, num_classes=5), 1, 3, size, size) == computed(
        layers
    )


def test_lesson_is_the_simplified_network_at_28_pixels():
    lesson, twin = get_model("lenet_lesson"), get_model("lenet", activation="relu", pooling="max")
    twin.load_state_dict(lesson.state_dict())
    x = torch.randn(2, 1, 28, 28)
    assert torch.equal(lesson(x), twin(x))


@pytest.mark.parametrize(
    ("activation", "function"), [("sigmoid", torch.sigmoid), ("tanh", torch.tanh), ("relu", torch.relu)]
)
@pytest.mark.parametrize(("pooling", "pool"), [("average", F.avg_pool2d), ("max", F.max_pool2d)])
def test_simplified_lenet_computes_what_it_is_written_to(activation, function, pooling, pool):
    net = get_model("lenet", activation=activation, pooling=pooling)
    x = torch.randn(2, 1, 28, 28)
    weights = list(net.parameters())
    y = pool(function(F.conv2d(x, *weights[:2], padding=2)), 2)
    y = pool(function(F.conv2d(y, *weights[2:4])), 2).flatten(1)
    y = function(F.linear(y, *weights[4:6]))
    y = F.linear(function(F.linear(y, *weights[6:8])), *weights[8:])
    torch.testing.assert_close(net(x), y)


def test_partial_convolution_is_a_full_one_with_zeros_where_table_1_is_empty():
    """A dense 16×6×5×5 kernel, filled from the table's 60 crosses column by column."""
    layer, x = PartialConv(), torch.randn(2, 6, 14, 14)
    kernels = torch.cat([conv.weight.flatten(0, 1) for conv in layer.convs.values()])  # 60×5×5
    crosses = [(m, s) for m in range(16) for s in range(6) if LENET5_TABLE_1[s][m] == "X"]
    dense = torch.zeros(16, 6, 5, 5)
    for (c3_map, s2_map), kernel in zip(crosses, kernels, strict=True):
        dense[c3_map, s2_map] = kernel
    bias = torch.cat([conv.bias for conv in layer.convs.values()])
    torch.testing.assert_close(layer(x), F.conv2d(x, dense, bias))
    assert parameters(layer) == 1_516


@pytest.mark.parametrize("s2_map", range(6))
def test_each_map_of_s2_reaches_the_maps_that_table_1_marks(s2_map):
    """Poison one map: exactly the connected outputs turn into not-a-number."""
    x = torch.zeros(1, 6, 5, 5)
    x[0, s2_map] = math.nan
    reached = "".join("X" if value.isnan() else " " for value in PartialConv()(x).flatten())
    assert reached == LENET5_TABLE_1[s2_map]


def test_subsampling_adds_four_scales_and_shifts():
    layer = Subsampling(2)
    nn.init.constant_(layer[1].weight, 3.0)
    layer[1].bias.data = torch.tensor([0.0, 100.0])
    x = torch.arange(8.0).view(1, 2, 2, 2)
    assert layer(x).flatten().tolist() == [3 * (0 + 1 + 2 + 3), 3 * (4 + 5 + 6 + 7) + 100]
    assert parameters(layer) == 4


def test_squash_keeps_0_and_1_and_ends_at_its_amplitude():
    squashed = Squash()(torch.tensor([-1e6, -1.0, 0.0, 1.0, 1e6]))
    torch.testing.assert_close(squashed, torch.tensor([-1.7159, -1, 0, 1, 1.7159]), rtol=0, atol=1e-4)


def test_codes_are_ten_different_pictures_of_ink_and_paper():
    height, width = LENET5_CODE_GRID
    assert len(DIGITS) == 10 and {len(digit) for digit in DIGITS} == {height}
    assert {len(row) for digit in DIGITS for row in digit} == {width}
    assert {cell for digit in DIGITS for row in digit for cell in row} == {"#", "."}
    codes = digit_codes()
    assert codes.shape == (10, 84) and codes.abs().eq(1).all()
    differences = (codes[:, None] != codes).sum(2) + 84 * torch.eye(10, dtype=torch.int64)
    assert differences.min() >= 10
    seven = codes[7].view(height, width)
    assert seven[1].eq(1).all() and seven[0].eq(-1).all()


def test_rbf_gives_squared_distances():
    rbf = EuclideanRBF(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    assert rbf(torch.tensor([[0.0, 0.0], [3.0, 0.0]])).tolist() == [[0.0, 25.0], [9.0, 16.0]]
    assert parameters(rbf) == 0


def test_the_smallest_penalty_is_the_largest_logit():
    """If F6 shows a digit's code, that digit has penalty 0 and wins."""
    net = get_model("lenet5").eval()
    x = torch.randn(3, 1, 32, 32)
    torch.testing.assert_close(net(x), -net.penalties(x))
    net.squash = nn.Identity()
    net.f6 = nn.Linear(120, 84)
    nn.init.zeros_(net.f6.weight)
    for digit in range(10):
        net.f6.bias.data = digit_codes()[digit]
        penalties = net.penalties(x)
        assert penalties[:, digit].tolist() == [0, 0, 0]
        assert net(x).argmax(1).tolist() == [digit] * 3 and penalties.sum(1).gt(0).all()


def test_every_unit_up_to_f6_is_squashed():
    net = get_model("lenet5")
    squashed = []
    net.squash.register_forward_hook(lambda module, args, out: squashed.append(tuple(out.shape[1:])))
    net(torch.zeros(1, 1, 32, 32))
    assert squashed == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,)]


def test_weights_start_between_plus_and_minus_2_4_over_the_inputs():
    torch.manual_seed(0)
    net = get_model("lenet5")
    inputs = {net.c1: 25, net.s2[1]: 4, net.s4[1]: 4, net.c5: 400, net.f6: 120}
    inputs |= {net.c3.convs["from3"]: 75, net.c3.convs["from4"]: 100, net.c3.convs["from6"]: 150}
    for layer, count in inputs.items():
        largest = max(layer.weight.abs().max().item(), layer.bias.abs().max().item())
        assert 0.6 * 2.4 / count < largest <= 2.4 / count, layer


def test_criterion_by_hand_and_at_its_limits():
    penalties = torch.tensor([[0.0, math.log(2.0)], [math.log(4.0), 0.0]])
    labels = torch.tensor([1, 1])
    # e^-j = 1/2; the sums of the exponentials are 1/2 + 1 + 1/2 and 1/2 + 1/4 + 1
    by_hand = (math.log(2) + math.log(2) + math.log(1.75)) / 2
    assert map_criterion(penalties, labels, math.log(2)).item() == pytest.approx(by_hand)
    without_background = map_criterion(penalties, labels, math.inf)
    torch.testing.assert_close(without_background, F.cross_entropy(-penalties, labels))
    torch.testing.assert_close(map_criterion(penalties, labels, 80.0), without_background)


def test_the_background_stops_the_push_on_penalties_beyond_j():
    """With j = 1, a wrong class at penalty 50 is left alone; one at penalty 1 is pushed up."""
    penalties = torch.tensor([[0.0, 50.0, 1.0]], requires_grad=True)
    map_criterion(penalties, torch.tensor([0]), 1.0).backward()
    right, far, near = penalties.grad[0].tolist()
    assert right > 0 and abs(far) < 1e-9 and near < -0.1


@pytest.mark.parametrize("size", [(32, 32), (35, 33)])
def test_lenet5_takes_32_to_35_pixels(size):
    assert get_model("lenet5")(torch.zeros(1, 1, *size)).shape == (1, 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_model("lenet5")(torch.zeros(1, 1, 28, 28)), "at least 32 pixels"),
        (lambda: get_model("lenet5")(torch.zeros(1, 1, 32, 36)), "at most 35 pixels"),
        (lambda: get_model("lenet5", in_channels=0), "in_channels must be at least 1, got 0"),
        (lambda: get_model("lenet")(torch.zeros(1, 1, 32, 32)), "at most 31 pixels"),
        (lambda: LeNet(activation="sigmoud"), "did you mean 'sigmoid'"),
        (lambda: LeNet(pooling="avg"), "did you mean 'average'"),
        (lambda: LeNet(num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: map_criterion(torch.zeros(1, 2), torch.tensor([0]), 0.0), "j must be above 0, got 0.0"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
