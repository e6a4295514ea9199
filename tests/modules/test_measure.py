"""`measure` against torch's FLOP counter, the arithmetic of `costs`, real runs and torch's shape rules."""

import itertools
import random
import re
from html.parser import HTMLParser
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.measure import CannotMeasureError, UncountedError, measure, operators

NETWORKS = {
    "alexnet": {},
    "vgg16": {},
    "googlenet": {"init_weights": False},
    "inception_v3": {"init_weights": False},
    "resnet50": {},
    "densenet121": {},
    "mobilenet_v2": {},
    "efficientnet_b0": {},
}


def network(name: str, device: str = "meta") -> nn.Module:
    torchvision = import_torchvision()  # before the device: 0.21 computes while it is imported
    with torch.device(device):
        return torchvision.models.get_model(name, weights=None, **NETWORKS[name])


def flops(net: nn.Module, *inputs) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(*(torch.empty(shape, device="meta") for shape in inputs))
    return counter.get_total_flops()


class Block(nn.Module):
    """All that has no module of its own: functional convolution and dense layer, products, attention, cat."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 2, 3, 1))
        self.dense = nn.Parameter(torch.randn(5, 6))
        self.inner = nn.Conv2d(4, 6, 1, bias=False)

    def forward(self, x):
        a = F.conv2d(x, self.weight, padding=(1, 0), groups=2)
        joined = torch.cat([a, self.inner(x)], 1)
        tokens = joined.flatten(2).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(tokens, tokens, tokens)
        scores = tokens @ tokens.transpose(1, 2)
        return F.linear(mixed[..., :6], self.dense), torch.einsum("bij,bjk->bik", scores, scores)


# -- against the FLOP counter -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_equal_the_flop_counter_and_rows_sum_to_totals(name, training):
    net = network(name).train(training)
    shape = (2, 3, 299, 299) if name == "inception_v3" else (2, 3, 224, 224)
    report = measure(net, shape)
    assert report.uncounted == ()
    assert 2 * report.macs == flops(net, shape)
    assert report.parameters == report.trainable == sum(p.numel() for p in net.parameters())
    for rows in (report.rows, report.fold(1).rows, report.fold(2).rows, report.fold(9).rows):
        assert sum(row.macs for row in rows) == report.macs
        assert sum(row.parameters for row in rows) == report.parameters
        assert sum(row.activations for row in rows) == report.activations
    assert {row.name for row in report.modules} == {path for path, _ in net.named_modules()}


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), (2, 9, 32)),
        (nn.Conv1d(4, 6, 5, stride=2, groups=2), (3, 4, 20)),
        (nn.Conv3d(2, 4, (1, 3, 2), padding=1, dilation=(1, 2, 1)), (2, 2, 7, 8, 9)),
        (nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1), (1, 4, 9)),
        (nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), groups=2, padding=1), (2, 4, 7, 8)),
        (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 4, 5)),
        (nn.Linear(7, 5), (2, 3, 4, 7)),
        (Block(), (2, 4, 5, 6)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_single_layers_equal_the_flop_counter(net, shape):
    net = net.train()
    assert 2 * measure(net, shape).macs == flops(net.to("meta"), shape)


# -- against arithmetic -------------------------------------------------------------------------------------

CONVOLUTIONS = [
    (channels, kernel, stride, padding, dilation, bias)
    for channels, kernel, stride, padding, dilation, bias in itertools.product(
        [(6, 4, 1), (6, 4, 2), (6, 6, 6)],
        [1, 3, (1, 5), (5, 2)],
        [1, 2, (2, 3)],
        [0, 1, (2, 0), "same"],
        [1, (1, 2)],
        [True, False],
    )
    # torch writes a padded copy of the input, which counts as activations, for "same" with an even kernel
    if padding != "same" or (stride == 1 and kernel != (5, 2))
]


def same_cost(report, cost: costs.Cost) -> None:
    (row,) = report.rows
    assert (row.output_shape[1:], row.parameters, row.macs, row.activations) == tuple(cost)


def test_convolutions_equal_costs():
    assert len(CONVOLUTIONS) > 400
    for (inputs, outputs, groups), kernel, stride, padding, dilation, bias in CONVOLUTIONS:
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": bias}
        report = measure(nn.Conv2d(inputs, outputs, kernel, **options), (1, inputs, 13, 11))
        same_cost(report, costs.conv2d(inputs, outputs, kernel, (13, 11), **options))


def test_pooling_equals_costs():
    kernels, strides, grids = [(2, 2), (3, 2), (3, 3)], [None, 1, 2, (3, 1)], [(13, 11), (8, 9)]
    every = itertools.product(kernels, strides, [0, 1], grids, [True, False])
    for kernel, stride, padding, grid, ceil_mode in every:
        settings = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        cost = costs.pool2d(5, kernel, grid, **settings)
        for layer in (nn.MaxPool2d(kernel, **settings), nn.AvgPool2d(kernel, **settings)):
            same_cost(measure(layer, (1, 5, *grid)), cost)
        same_cost(
            measure(nn.MaxPool2d(2, dilation=3, **{**settings, "stride": 2}), (1, 5, *grid)),
            costs.pool2d(5, 2, grid, dilation=3, **{**settings, "stride": 2}),
        )


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_and_dense_layers_equal_costs(affine):
    for layer in (nn.BatchNorm2d(6, affine=affine), nn.BatchNorm2d(6, affine=affine).eval()):
        same_cost(measure(layer, (1, 6, 7, 9)), costs.batch_norm(6, (7, 9), affine=affine))
    same_cost(measure(nn.Linear(9, 4, bias=affine), (1, 9)), costs.linear(9, 4, bias=affine))


def test_recurrent_layers_do_four_products_per_gate_set():
    """Per step and layer: gates · hidden · (input + hidden) MACs, 3 inputs and then 4."""
    assert measure(nn.LSTM(3, 4, 2), (5, 1, 3)).macs == 5 * 4 * 4 * ((3 + 4) + (4 + 4))
    assert measure(nn.GRU(3, 4, 2), (5, 1, 3)).macs == 5 * 3 * 4 * ((3 + 4) + (4 + 4))


def test_functional_calls_belong_to_the_module_that_makes_them():
    report = measure(nn.Sequential(nn.Identity(), Block()), (2, 4, 5, 6))
    positions, channels = 5 * 6, 12
    convolution = 2 * 6 * positions * 2 * 3
    attention = 2 * positions * positions * channels
    products = positions * positions * channels + positions**3
    own = next(row for row in report if row.name == "1")
    assert own.macs == convolution + 2 * (attention + products + positions * 6 * 5)
    assert own.parameters == 6 * 2 * 3 + 5 * 6
    assert report["1.inner"].macs == 2 * 4 * 6 * positions


def test_a_module_called_twice_costs_its_macs_twice_and_its_parameters_once():
    once = nn.Conv2d(4, 4, 3, padding=1)
    report = measure(nn.Sequential(once, nn.ReLU(), once), (1, 4, 6, 6))
    assert report["0"].calls == 2
    assert report.macs == 2 * 36 * 4 * 4 * 9
    assert report.parameters == 4 * 4 * 9 + 4


def test_a_tensor_shared_by_two_modules_counts_once():
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    net[1].weight = net[0].weight
    assert measure(net, (1, 4)).parameters == 16


def test_frozen_parameters_are_counted_but_not_trainable():
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    net[0].requires_grad_(False)
    report = measure(net, (1, 4))
    assert (report.parameters, report.trainable) == (15 + 8, 8)


def test_activations_leave_out_views_and_changes_in_place():
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(inplace=True), nn.ReLU(), nn.Flatten())
    report = measure(net, (1, 3, 5, 5))
    assert [row.activations for row in report] == [200, 0, 200, 0]


def test_no_arithmetic_is_done():
    """At 10^19 MACs and petabytes of activations, running any of it would not end."""
    net = nn.Sequential(*(nn.Conv2d(1024, 1024, 7, padding=3, device="meta") for _ in range(4)))
    assert measure(net, (64, 1024, 8192, 8192)).macs == 4 * 64 * 8192**2 * 1024**2 * 49


# -- against real runs and torch's own shape rules ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["googlenet", "densenet121", "efficientnet_b0"])
def test_shapes_are_those_of_a_real_run(name):
    net = network(name, "cpu").eval()
    real = {}

    def note(path):
        def hook(module, args, out):
            real.setdefault(path, (args[0], out))

        return hook

    hooks = [part.register_forward_hook(note(path)) for path, part in net.named_modules()]
    with torch.no_grad():
        net(torch.zeros(1, 3, 64, 96))
    for hook in hooks:
        hook.remove()
    report = measure(net, (1, 3, 64, 96))
    called = {row.name: row for row in report.modules if row.calls}
    assert called.keys() == real.keys()
    for path, (given, out) in real.items():
        assert called[path].output_shape == tuple(out.shape), path
        if isinstance(given, torch.Tensor):
            assert called[path].input_shape == tuple(given.shape), path


@pytest.mark.slow
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ["googlenet", "densenet121", "efficientnet_b0"])
def test_our_shape_rules_agree_with_torch_s(name, training, monkeypatch):
    net = network(name).train(training)
    ours = measure(net, (2, 3, 96, 80))
    monkeypatch.setattr(operators, "SHAPES", {})
    monkeypatch.setattr(operators, "_known", {})
    assert measure(net, (2, 3, 96, 80)) == ours


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_input_s_memory_layout_changes_nothing(layout):
    net = network("mobilenet_v2", "cpu").eval()
    image = torch.zeros(1, 3, 64, 64).to(memory_format=layout)
    assert measure(net, image) == measure(net, (1, 3, 64, 64))


# -- what can't be counted ----------------------------------------------------------------------------------


class Spectrum(nn.Module):
    def forward(self, x):
        return torch.fft.rfft(x).abs()


def test_an_unknown_operator_is_named_and_never_zero():
    net = nn.Sequential(nn.Linear(8, 8), Spectrum())
    report = measure(net, (1, 8))
    assert [(one.name, one.operator, one.calls) for one in report.uncounted] == [("1", "aten._fft_r2c", 1)]
    with pytest.raises(UncountedError, match=r"at least 64.*aten\._fft_r2c in 1 \(once\).*formulas="):
        _ = report.macs
    assert report["1"].macs is None and report["0"].macs == report.counted_macs == 64
    for shown in (str(report), report._repr_html_()):
        assert "≥ 64" in shown and "aten._fft_r2c in 1" in shown
    assert report.fold(1).rows[1].macs is None


def test_a_formula_makes_an_unknown_operator_count():
    counted = measure(Spectrum(), (1, 8), formulas={"aten._fft_r2c": lambda x, *rest, out: 3 * x.numel()})
    assert counted.macs == 24 and counted.uncounted == ()


class Gate(nn.Module):
    def forward(self, x):
        return x if x.mean() > 0 else -x


class Pick(nn.Module):
    def forward(self, x):
        return x[x > 0]


@pytest.mark.parametrize("part", [Gate(), Pick()])
def test_reading_the_data_is_refused_by_name(part):
    with pytest.raises(CannotMeasureError, match=rf"1 \({type(part).__name__}\) decides by the numbers"):
        measure(nn.Sequential(nn.Linear(4, 4), part), (2, 4))


class Steps(nn.Module):
    """Reads small constants, which are no data: a buffer's number and one it makes itself."""

    def __init__(self):
        super().__init__()
        self.register_buffer("repeats", torch.tensor(2))
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        rates = torch.linspace(0, 1, 3)
        rates[0] = 5
        for _ in range(self.repeats.item() + int(rates[0])):
            x = self.layer(x)
        self.repeats += 1
        return x


def test_small_constants_can_be_read():
    net = Steps()
    assert [measure(net, (1, 4)).macs for _ in range(2)] == [7 * 16] * 2
    assert net.repeats.item() == 2


# -- the module is as before --------------------------------------------------------------------------------


class Careless(nn.Module):
    """Changes what a forward pass should leave alone, in every way it can."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3, momentum=None)
        self.weight = nn.Parameter(torch.ones(3))
        self.register_buffer("average", torch.zeros(3))
        self.register_buffer("large", torch.zeros(5000))
        self.seen = []

    def forward(self, x):
        random.random()
        x = self.norm(x) * self.weight[:, None, None] + torch.rand(1) + F.dropout(x)
        self.average = 0.9 * self.average + x.mean((0, 2, 3))
        self.large += 1
        self.weight.data.mul_(2)
        self.last = x
        self.seen.append(x)
        return x


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("training", [True, False])
def test_nothing_in_the_module_changes(training, fails):
    careless = Careless()
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 1))
    net = nn.Sequential(careless, nn.Conv2d(3, 4, 1), normed, nn.Linear(1 if fails else 6, 2)).train(training)
    net[1].register_forward_hook(lambda module, args, out: None)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    tensors = {name: id(tensor) for name, tensor in [*net.named_parameters(), *net.named_buffers()]}
    attributes = {path: dict(vars(part)) for path, part in net.named_modules()}
    states = torch.get_rng_state(), random.getstate()
    if fails:
        with pytest.raises(ValueError, match="3 .Linear. refused"):
            measure(net, (2, 3, 5, 6))
    else:
        assert measure(net, (2, 3, 5, 6)).macs == 2 * 30 * (3 * 4 + 4 * 4) + 2 * 4 * 5 * 6 * 2
    assert torch.equal(torch.get_rng_state(), states[0]) and random.getstate() == states[1]
    assert {name: id(t) for name, t in [*net.named_parameters(), *net.named_buffers()]} == tensors
    assert all(torch.equal(net.state_dict()[name], tensor) for name, tensor in before.items())
    for path, part in net.named_modules():
        assert vars(part).keys() == attributes[path].keys()
        assert all(vars(part)[key] is value for key, value in attributes[path].items())
    assert careless.seen == []


@pytest.mark.parametrize("prepare", [nn.utils.weight_norm, nn.utils.spectral_norm])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_normalised_weights_are_untouched(prepare):
    net = prepare(nn.Linear(40, 50))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert measure(net, (1, 40)).macs >= 40 * 50
    assert all(torch.equal(net.state_dict()[name], tensor) for name, tensor in before.items())
    assert net(torch.ones(1, 40)).shape == (1, 50)


# -- kinds of modules and inputs ----------------------------------------------------------------------------


class Named(NamedTuple):
    logits: torch.Tensor
    extra: torch.Tensor


class Keywords(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, batch, *, scale, flag=False):
        out = self.layer(batch["x"]) * scale
        return Named(out, out[:1]) if flag else {"out": out}


def test_dictionaries_keywords_and_named_outputs():
    report = measure(Keywords(), {"x": (2, 4)}, kwargs={"scale": torch.ones(2, 3), "flag": True})
    assert report.macs == 24
    assert report[""].output_shape == ((2, 3), (1, 3))
    plain = measure(Keywords(), {"x": torch.ones(2, 4)}, kwargs={"scale": 2.0})
    assert plain[""].output_shape == (2, 3)


def test_tokens_are_given_as_a_tensor():
    net = nn.Sequential(nn.Embedding(50_000, 8), nn.Linear(8, 3))
    report = measure(net, torch.zeros(2, 5, dtype=torch.long))
    assert (report["0"].parameters, report["0"].macs, report.macs) == (400_000, 0, 2 * 5 * 8 * 3)
    with pytest.raises(ValueError, match=r"0 \(Embedding\) refused .* \(2, 5\).*indices as a tensor"):
        measure(net, (2, 5))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_shapes_take_the_module_s_own_type(dtype):
    seen = []
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).to(dtype)
    net.register_forward_hook(lambda _, args, out: seen.append((args[0].dtype, out.dtype, out.device.type)))
    measure(net, (1, 3, 6, 6))
    assert seen == [(dtype, dtype, "meta")]


@pytest.mark.slow
def test_inference_mode_and_compiled_modules_count_alike():
    net = network("googlenet").eval()
    expected = measure(net, (1, 3, 64, 64))
    with torch.inference_mode():
        assert measure(net, (1, 3, 64, 64)) == expected
        made_inside = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 2))
    assert measure(made_inside, (1, 3, 6, 6)).macs == 4 * 16 * 27 + 128
    assert measure(torch.compile(net), (1, 3, 64, 64)) == expected


def test_auxiliary_heads_count_in_training_only():
    net = network("googlenet")
    training, evaluation = measure(net.train(), (2, 3, 224, 224)), measure(net.eval(), (2, 3, 224, 224))
    assert training.parameters == evaluation.parameters
    assert training["aux1"].macs > 0 and evaluation["aux1"].calls == 0
    assert training.macs - evaluation.macs == training["aux1"].macs + training["aux2"].macs


# -- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "inputs", "kind", "words"),
    [
        (F.relu, [(1, 3)], TypeError, "module must be a torch.nn.Module, got"),
        (nn.ReLU, [(1, 3)], TypeError, "the class ReLU; make one first"),
        (nn.ReLU(), [], ValueError, "needs an input"),
        (nn.ReLU(), [()], ValueError, "empty shape"),
        (nn.ReLU(), [(1, 0, 4)], ValueError, "size 1 must be at least 1, got 0"),
        (nn.ReLU(), [(1, 2.5)], TypeError, "size 1 must be an integer, got 2.5"),
        (nn.ReLU(), [torch.zeros(2, 0)], ValueError, r"\(2, 0\); every size must be at least 1"),
        (nn.LazyLinear(3), [(1, 2)], ValueError, "the weight of a LazyLinear has no shape yet"),
        (nn.ReLU(), [(1,), (2,)], TypeError, "ReLU refused"),
        (nn.Sequential(nn.Conv2d(3, 8, 3)), [(1, 4, 8, 8)], ValueError, r"0 \(Conv2d\) .*\(1, 4, 8, 8\)"),
        (nn.Sequential(nn.Conv2d(3, 8, 9)), [(1, 3, 8, 8)], ValueError, r"0 \(Conv2d\) .*[Kk]ernel size"),
        (nn.Conv2d(3, 8, 3), [(3, 8)], ValueError, r"Conv2d refused an input of shape \(3, 8\): Expected 3D"),
        (nn.MaxPool2d(3), [(1, 3, 2, 2)], ValueError, "MaxPool2d refused .*too small"),
        (nn.Linear(4, 3), [(1, 5)], ValueError, r"Linear refused an input of shape \(1, 5\)"),
        (nn.BatchNorm2d(4), [(2, 5, 3, 3)], ValueError, "BatchNorm2d refused"),
        (nn.Conv2d(3, 8, 3), [torch.zeros(1, 3, 8, 8).double()], ValueError, "Conv2d refused"),
    ],
)
def test_nonsense_is_refused_with_its_name_and_remedy(module, inputs, kind, words):
    with pytest.raises(kind, match=words):
        measure(module, *inputs)


def test_unknown_rows_and_depths_are_refused():
    report = measure(nn.Sequential(nn.Conv2d(3, 4, 1)), (1, 3, 2, 2))
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        report.fold(0)
    with pytest.raises(ValueError, match="did you mean 'inception3a'"):
        _ = measure(network("googlenet").eval(), (1, 3, 64, 64))["inception_3a"]


# -- how it shows itself ------------------------------------------------------------------------------------


class Cells(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.rows = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self.rows:
            self.rows[-1].append(data)


def test_the_table_shows_every_row_and_the_totals():
    report = measure(network("googlenet").eval(), (1, 3, 224, 224))
    folded = report.fold(1)
    text, cells = str(folded), Cells(folded._repr_html_())
    assert text == report.table(1).text()
    assert len(cells.rows) == len(folded) + 2 == len(text.splitlines()) - 1
    assert "color" not in folded._repr_html_(), "colours come from the page"
    totals = report.parameters, report.macs, report.activations
    assert cells.rows[-1] == ["Total", *(f"{total:,}" for total in totals)]
    numbers = [int(row[-2].replace(",", "")) for row in cells.rows[1:-1]]
    assert sum(numbers) == report.macs
    assert re.search(r"^inception3a +Inception +1×192×28×28 +1×256×28×28 ", text, re.MULTILINE)
    assert re.search(r"^aux1 +InceptionAux +not called ", text, re.MULTILINE)


def test_names_are_escaped():
    odd = type("A<b>", (nn.Identity,), {})
    assert "A&lt;b&gt;" in measure(nn.Sequential(odd()), (1, 2))._repr_html_()
