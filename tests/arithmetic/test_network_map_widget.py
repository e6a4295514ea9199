"""The network map: counts against the papers and against arithmetic, own rows, and what it refuses."""

import json
import math
import re
from types import SimpleNamespace

import pytest

from inception_lessons import costs
from inception_lessons.widgets.network_map import KINDS, MEASURES, PLACES, NetworkMap, book_networks

# The same networks, counted by the functions that the chapters use, with their own defaults for the image.
COUNTED = {
    "lenet5": costs.lenet5,
    "lenet": costs.lenet,
    "alexnet": costs.alexnet,
    "zfnet": costs.zfnet,
    "nin": costs.nin_imagenet,
    "vgg16": lambda: costs.vgg("D"),
    "vgg19": lambda: costs.vgg("E"),
    "googlenet": costs.googlenet,
    "bn_inception": costs.bn_inception,
    "inception_v2": costs.inception_v2_rethinking,
    "inception_v3": costs.inception_v3,
}
ROWS = [
    {
        "name": "conv",
        "shape": (8, 10, 10),
        "parameters": 224,
        "macs": 21_600,
        "activations": 800,
        "kind": "conv3",
    },
    {"name": "fc", "shape": (10,), "parameters": 8_010, "macs": 8_000, "activations": 10, "kind": "dense"},
]


def shown(*args, **settings):
    made = NetworkMap(*args, **settings)
    return made.evaluate(made.settings)


def blocks(network):
    return {block["name"]: block for block in network["blocks"]}


class TestCounts:
    # From elsewhere: LeNet-5's paper; Dive into Deep Learning's LeNet; the sum over AlexNet's layers with two
    # groups; Caffe's NiN; torchvision's figures for vgg16, vgg19 and (less its auxiliary head) inception_v3.
    @pytest.mark.parametrize(
        ("key", "parameters", "macs"),
        [
            ("lenet5", 60_000, None),
            ("lenet", 61_706, 416_520),
            ("alexnet", 60_965_224, 724_406_816),
            ("nin", 7_595_176, None),
            ("vgg16", 138_357_544, 15_470_264_320),
            ("vgg19", 143_667_240, 19_632_062_464),
            ("googlenet", 6_998_552, 1_582_671_872),
            ("inception_v3", 23_834_568, 5_713_216_096),
        ],
    )
    def test_totals(self, key, parameters, macs):
        network = book_networks()[key]
        assert network.total("parameters") == parameters
        assert macs is None or network.total("macs") == macs

    @pytest.mark.parametrize("key", COUNTED)
    def test_no_layer_is_lost_in_a_block(self, key):
        layers = COUNTED[key]()
        network, rows = book_networks()[key], costs.by_row(layers)
        # Blocks without weights, such as poolings, hold nothing.
        for block in network.blocks:
            total = rows.pop(block.name, costs.Total(0, 0, 0))
            assert (block.count("parameters"), block.count("macs")) == total[:2], block.name
        assert not rows
        outputs = [layer.cost.activations for layer in layers if not layer.name.endswith("_norm")]
        assert network.total("activations") == sum(outputs)

    @pytest.mark.parametrize("measure", [measure.name for measure in MEASURES])
    @pytest.mark.parametrize("key", COUNTED)
    def test_blocks_and_kinds_sum_to_the_total(self, key, measure):
        (network,) = shown(first=key, second="none", measure=measure)["networks"]
        assert sum(block["count"] for block in network["blocks"]) == network["total"]
        for block in network["blocks"]:
            assert sum(count for _, count in block["parts"]) == block["count"]

    def test_activations_by_hand(self):
        """LeNet: outputs of its two convolutions and three dense layers, none of the poolings."""
        assert book_networks()["lenet"].total("activations") == 6 * 28**2 + 16 * 10**2 + 120 + 84 + 10

    def test_batch_norm_adds_parameters_and_no_activations(self):
        """Inception-v3's first layer: 32 filters of 3×3×3, and a scale and a shift for each."""
        first = book_networks()["inception_v3"].blocks[0]
        assert (first.name, first.shape) == ("1a", "32×149×149")
        assert first.count("parameters") == 32 * 27 + 2 * 32
        assert first.count("activations") == 32 * 149**2
        assert first.count("macs") == 32 * 27 * 149**2

    def test_kinds_of_module_3a(self):
        """Table 1 of arXiv:1409.4842: 192 channels in; 64, 96→128, 16→32, 32, with biases."""
        block = next(block for block in book_networks()["googlenet"].blocks if block.name == "3a")
        parameters = {part.kind: part.parameters for part in block.parts}
        assert parameters == {
            "conv1": (192 + 1) * (64 + 96 + 16 + 32),
            "conv3": (9 * 96 + 1) * 128,
            "conv5": (25 * 16 + 1) * 32,
        }


class TestSentences:
    def test_the_start_contradicts_what_one_expects(self):
        """Parameters sit in AlexNet's dense layers, work does not; GoogLeNet has one small dense layer."""
        result = shown()
        alexnet, googlenet = result["networks"]
        dense = {9_216 * 4_096 + 4_096: "dense6", 4_096 * 4_097: "dense7", 4_097 * 1_000: "dense8"}
        assert {b["count"]: b["name"] for b in alexnet["blocks"][5:]} == dense
        assert 0.96 < sum(dense) / alexnet["total"] < 0.97
        assert alexnet["note"] == "Largest block: dense6, 61.9 %. Dense layers: 96.2 %."
        assert blocks(googlenet)["linear"]["count"] == 1_025_000
        assert googlenet["note"].endswith("Dense layers: 14.6 %. All together: 11.5 % of AlexNet.")
        turned = shown(measure="macs")["networks"]
        assert "Dense layers: 8.09 %" in turned[0]["note"]
        assert "Dense layers: 0.0647 %" in turned[1]["note"]
        assert "All together: 218 % of AlexNet." in turned[1]["note"]

    def test_many_times(self):
        """23,834,568 / 61,706 = 386.26."""
        assert "All together: 386 times LeNet (simplified)." in shown("three")["networks"][2]["note"]

    def test_the_block_in_focus(self):
        detail = shown(shown=1, block=4)["detail"]
        assert detail.startswith(
            "GoogLeNet, 3a: output 256×28×28; 163,696 parameters (2.34 % of the network), "
            "128,049,152 MACs (8.09 %), 288,512 activations (8.94 %). Parameters by kind: 1×1 24.5 %"
        )

    def test_a_pooling_has_nothing_and_says_so(self):
        detail = shown(shown=1, block=1)["detail"]
        assert detail == "GoogLeNet, pool1: output 64×56×56; no parameters, no MACs, no activations."

    def test_a_focus_beyond_the_end_is_the_last_block(self):
        assert shown("three", second="none", third="none", shown=2, block=255)["focus"] == [0, 6]

    def test_scale(self):
        result = shown("three")
        assert result["length"] == 23_834_568
        assert "The full length is 23,834,568 parameters" in result["caption"]
        assert shown("three", same_scale=False)["length"] == 0

    def test_the_page_needs_few_bytes(self):
        assert len(json.dumps(NetworkMap().state, ensure_ascii=False)) < 20_000

    def test_the_table_lists_every_block_and_the_totals(self):
        table = NetworkMap().table()
        assert len(table.rows) == 8 + 1 + 17 + 1
        assert table.rows[8][2:] == ("60,965,224", "724,406,816", "659,272", "100 %")


class TestOwnNetworks:
    def test_rows_of_any_kind(self):
        objects = [SimpleNamespace(output_shape=row["shape"], **row) for row in ROWS]
        for rows in (ROWS, objects, iter(ROWS)):
            made = NetworkMap.of({"mine": rows}, measure="macs")
            result = made.evaluate(made.settings)
            assert [n["label"] for n in result["networks"]] == ["mine", "GoogLeNet"]
            assert result["networks"][0]["note"] == "Largest block: conv, 73.0 %. Dense layers: 27.0 %."
            assert result["caption"].endswith("As its own rows count: mine.")
            assert blocks(result["networks"][0])["conv"]["shape"] == "8×10×10"

    def test_a_report_of_measure(self):
        torch = pytest.importorskip("torch")
        from inception_lessons.measure import measure

        net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.MaxPool2d(2), torch.nn.Flatten())
        net.append(torch.nn.Linear(8 * 5 * 5, 10))
        made = NetworkMap.of({"small": measure(net, (1, 3, 12, 12)).rows}, second="none")
        network = made.evaluate(made.settings)["networks"][0]
        assert network["total"] == (27 + 1) * 8 + (200 + 1) * 10
        assert [block["shape"] for block in network["blocks"]] == ["1×8×10×10", "1×8×5×5", "1×200", "1×10"]
        kinds = [kind for block in network["blocks"] for kind, _ in block["parts"]]
        assert kinds == ["other", "dense"]

    def test_its_choices_are_its_own(self):
        made = NetworkMap.of({"mine": ROWS, "yours": ROWS}, third="vgg16")
        assert [made.settings[place] for place in PLACES] == ["mine", "yours", "vgg16"]
        assert "mine" in made.controls()[0].options
        assert "mine" not in NetworkMap.controls()[0].options
        assert set(made.state["spec"]["networks"]) == {"mine", "yours", *book_networks()}
        with pytest.raises(ValueError, match="first 'mine' is not known"):
            NetworkMap(first="mine")

    def test_a_network_without_macs(self):
        made = NetworkMap.of(
            {"pool": [{"name": "", "parameters": 0, "macs": 0, "activations": 4}]}, measure="macs"
        )
        result = made.evaluate(made.settings)
        assert result["networks"][0]["note"] == "It has no MACs."
        assert result["networks"][1]["note"].endswith("Dense layers: 0.0647 %.")
        assert result["detail"].startswith("pool, (own forward): output not given; no parameters, no MACs, 4")

    def test_a_live_widget_refuses_what_it_does_not_know(self):
        live = NetworkMap.of({"mine": ROWS}).live()
        live.second = "mine"
        with pytest.raises(ValueError, match="second 'theirs' is not known"):
            live.second = "theirs"


def row(**changes):
    return [{**ROWS[0], **changes}]


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: NetworkMap("alexnet"), ValueError, "preset 'alexnet' is not known"),
            (lambda: NetworkMap(first="none"), ValueError, "first 'none' is not known"),
            (lambda: NetworkMap(second="goglenet"), ValueError, "did you mean 'googlenet'"),
            (lambda: NetworkMap(measure="flops"), ValueError, "measure 'flops' is not known"),
            (lambda: NetworkMap(same_scale=1), TypeError, "same_scale must be True or False, got 1"),
            (lambda: NetworkMap(block=-1), ValueError, "block must be from 0 to 255, got -1"),
            (lambda: NetworkMap(left="lenet"), TypeError, "no setting 'left'; known: first"),
            (lambda: NetworkMap.of([ROWS]), TypeError, "networks must map names to rows, got list"),
            (lambda: NetworkMap.of({}), ValueError, "networks must not be empty"),
            (lambda: NetworkMap.of({1: ROWS}), TypeError, "name of a network must be text, got 1"),
            (lambda: NetworkMap.of({" ": ROWS}), ValueError, "name of a network must not be empty"),
            (lambda: NetworkMap.of({"none": ROWS}), ValueError, "the name 'none' is taken"),
            (lambda: NetworkMap.of({"GoogLeNet": ROWS}), ValueError, "the name 'GoogLeNet' is taken"),
            (
                lambda: NetworkMap.of({"a": 3}),
                TypeError,
                "rows of network 'a' must be a sequence of rows, got 3",
            ),
            (lambda: NetworkMap.of({"a": []}), ValueError, "network 'a' has no rows"),
            (
                lambda: NetworkMap.of({"a": ROWS * 200}),
                ValueError,
                "at most 256 rows, got 400; fold the report",
            ),
            (
                lambda: NetworkMap.of({"a": row(name=None)}),
                TypeError,
                "row 0 of network 'a' must have a name",
            ),
            (
                lambda: NetworkMap.of({"a": row(macs=None)}),
                ValueError,
                "macs of row 0 of network 'a' ('conv') is",
            ),
            (lambda: NetworkMap.of({"a": row(macs=math.nan)}), TypeError, "must be an integer, got nan"),
            (lambda: NetworkMap.of({"a": row(macs=math.inf)}), TypeError, "must be an integer, got inf"),
            (lambda: NetworkMap.of({"a": row(parameters=-1)}), ValueError, "must be at least 0, got -1"),
            (lambda: NetworkMap.of({"a": row(macs=2**53)}), ValueError, "must sum to less than 2^53"),
            (lambda: NetworkMap.of({"a": row(kind="conv7")}), ValueError, "kind 'conv7' is not known"),
            (lambda: NetworkMap.of({"a": row(shape=3)}), TypeError, "must be a tuple of integers, got 3"),
            (lambda: NetworkMap.of({"a": row(shape=(3, -1))}), ValueError, "must be at least 0, got -1"),
        ],
    )
    def test_message(self, make, error, message):
        with pytest.raises(error, match=re.escape(message)):
            make()


def test_every_kind_has_a_colour():
    from inception_lessons.widgets._page import static_text

    assert all(f"--w-{kind}:" in static_text("host.css") for kind in KINDS)
