"""ZFNet against the arithmetic and its Figure 3."""

import pytest
import torch
from torch import nn

from inception_lessons import costs
from inception_lessons.measure import measure
from inception_lessons.models.zfnet import LESSON_TABLE, ZFNet, zfnet, zfnet_lesson
from inception_lessons.papers import ZFNET_FIGURE_3


def on_meta(**options: object) -> ZFNet:
    with torch.device("meta"):
        return zfnet(**options).eval()


@pytest.mark.parametrize("options", [{}, {"width": 0.5, "num_classes": 10, "in_channels": 1}], ids=str)
def test_every_layer_costs_what_the_arithmetic_says(options):
    net = on_meta(**options)
    report = measure(net, (1, net.in_channels, 224, 224))
    counted = [
        (row.output_shape[1:], row.parameters, row.macs)
        for row in report.rows
        if row.type in ("Conv2d", "Linear")
    ]
    assert counted == [layer.cost[:3] for layer in costs.zfnet(**options)] and len(counted) == 8


def test_totals():
    report = measure(on_meta(), (1, 3, 224, 224))
    assert (report.parameters, report.macs) == (62_357_608, 1_168_032_896)


@pytest.mark.parametrize(
    ("build", "table", "shape"),
    [(zfnet, ZFNET_FIGURE_3, (1, 3, 224, 224)), (zfnet_lesson, LESSON_TABLE, (1, 1, 28, 28))],
    ids=["figure 3", "lesson"],
)
def test_every_grid_of_the_table_comes_out(build, table, shape):
    with torch.device("meta"):
        net, x = build().eval(), torch.empty(shape)
    layers = (net.conv1, net.conv2, net.conv3, net.conv4, net.conv5)
    for layer, row in zip(layers, table, strict=False):
        assert layer[0](x).shape[1:] == (row.channels, row.grid, row.grid), row.key
        x = layer(x)
        assert x.shape[1:] == (row.channels, row.out_grid, row.out_grid), row.key


def test_normalisation_follows_the_pooling_and_nothing_is_grouped():
    """Figure 3's order; AlexNet normalises first."""
    net = on_meta()
    for layer in (net.conv1, net.conv2):
        assert [type(m).__name__ for m in layer] == ["Conv2d", "ReLU", "MaxPool2d", "LocalResponseNorm"]
    assert {m.groups for m in net.modules() if isinstance(m, nn.Conv2d)} == {1}
    assert not any(isinstance(m, nn.LocalResponseNorm) for m in (*net.conv3, *net.conv4, *net.conv5))


def test_weights_start_small_random_and_biases_at_zero():
    torch.manual_seed(0)
    net = zfnet(width=0.25, num_classes=100)
    for layer in (m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05) and not layer.bias.any()


def test_dropout_follows_both_hidden_layers():
    torch.manual_seed(0)
    net = zfnet(width=0.125, num_classes=5).train()
    seen = {}
    net.dense7.register_forward_pre_hook(lambda m, inputs: seen.update(dense7=inputs[0]))
    net.dense8.register_forward_pre_hook(lambda m, inputs: seen.update(dense8=inputs[0]))
    for layer in (net.dense6, net.dense7):
        nn.init.constant_(layer.bias, 1.0)
    net(torch.rand(4, 3, 224, 224))
    for name, inputs in seen.items():
        assert (inputs == 0).float().mean().item() == pytest.approx(0.5, abs=0.05), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: on_meta(dropout=-0.1), "dropout must be at least 0 and below 1, got -0.1"),
        (lambda: on_meta()(torch.zeros(1, 3, 206, 206)), "at least 207 pixels"),
        (lambda: on_meta()(torch.zeros(1, 3, 239, 239)), "at most 238 pixels"),
        (lambda: on_meta().torchvision_names(), "torchvision has no network"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
