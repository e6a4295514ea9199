"""The receptive field of a stack: sizes, places, paths, costs, against papers, hand arithmetic and torch."""

import random
import re

import pytest
import torch
from torch import nn

from inception_lessons import costs
from inception_lessons.papers import RETHINKING_CLAIMS, VGG_CLAIMS
from inception_lessons.widgets.receptive_field import ReceptiveField, evaluate, layers_of


def shown(preset=None, **settings):
    return evaluate(ReceptiveField(preset, **settings).settings)


def ratio(result):
    """Return the share of weights that the first comparison prints, as a number."""
    return float(re.search(r"\(([\d.,]+) %\)", result["compared"][0])[1].replace(",", ""))


class TestPapers:
    def test_vgg_section_2_3(self):
        three = shown("3x3,3x3,3x3")
        assert three["taps"] == [VGG_CLAIMS["three_3x3"].value, VGG_CLAIMS["one_7x7"].value]
        assert three["levels"][-1]["size"] == [VGG_CLAIMS["field_of_three"].value] * 2
        assert shown("3x3,3x3")["levels"][-1]["size"] == [VGG_CLAIMS["field_of_two"].value] * 2

    def test_rethinking_sections_3_1_and_3_2(self):
        for key, claim in (
            ("3x3,3x3", "5×5 as two 3×3"),
            ("1x3,3x1", "3×3 as 3×1, 1×3"),
            ("2x2,2x2", "3×3 as two 2×2"),
        ):
            assert round(100 - ratio(shown(key))) == RETHINKING_CLAIMS[claim].value

    def test_the_start_surprises(self):
        """Three layers have 27·64² weights, one has 49·64²; the pixel in the middle lies on 7·7 paths."""
        result = shown()
        assert "55.1 %" in result["summary"]
        assert "110,592 weights" in result["compared"][0]
        assert "200,704 weights" in result["compared"][1]
        assert "1 to 49." in result["paths"]
        assert ratio(shown("1x7,7x1")) == 28.6

    def test_vgg16_by_hand(self):
        """Blocks of 2, 2, 3, 3, 3 convolutions and a 2×2 pooling: each 3×3 adds 2 jumps, a pooling 1."""
        result = shown("vgg16-5")
        sizes = [1, 3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212]
        jumps = [1, 1, 1, 2, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 32]
        assert [level["size"] for level in result["levels"]] == [[size, size] for size in sizes]
        assert [level["jump"] for level in result["levels"]] == jumps
        assert [level["grid"] for level in result["levels"]][-1] == 7
        # One pixel of padding in front of each 3×3, at jumps 1, 2, 4, 8, 16; none in front of a pooling.
        assert result["axes"][0]["start"] == -(2 * 1 + 2 * 2 + 3 * 4 + 3 * 8 + 3 * 16)
        assert shown("vgg16-2")["levels"][-1] == {**result["levels"][6], "label": "2×2 pool, stride 2"}

    def test_googlenet_by_hand(self):
        """7×7/2, 3×3/2 pooling, 1×1, 3×3, 3×3/2 pooling: 1 + 6, + 2·2, + 0, + 2·4, + 2·4."""
        result = shown("googlenet")
        assert [level["size"][0] for level in result["levels"]] == [1, 7, 11, 11, 19, 27]
        assert [level["jump"] for level in result["levels"]] == [1, 2, 4, 4, 4, 8]
        assert [level["grid"] for level in result["levels"]] == [224, 112, 56, 56, 56, 28]
        assert result["axes"][0]["start"] == -(3 * 1 + 1 * 2 + 0 + 1 * 4 + 1 * 4)
        # Weights 49 + 1 + 9; one output rests on 4·4 of the 7×7 (jump 2), 2·2 of 1×1 and 3×3 (jump 4).
        assert result["taps"] == [59, 27**2]
        assert f"{64**2 * (49 * 16 + 1 * 4 + 9 * 4):,} MACs" in result["compared"][0]

    def test_inception_v3_by_hand(self):
        """3×3/2, 3×3, 3×3, 3×3/2 pooling, 1×1, 3×3, 3×3/2 pooling."""
        result = shown("inception-v3")
        assert [level["size"][0] for level in result["levels"]] == [1, 3, 7, 11, 15, 15, 23, 31]
        assert result["levels"][-1]["jump"] == 8

    def test_the_papers_grids_of_vgg_and_googlenet(self):
        """The padding here gives the sizes that those papers print."""
        for key, stages in (
            ("vgg16-5", costs.vgg_stages(costs.vgg_layers(costs.vgg_column("D")))[:5]),
            ("googlenet", costs.googlenet_stages()[:4]),
        ):
            walked = costs.walk(stages, 3, 224)
            assert shown(key)["levels"][-1]["grid"] == walked[-1].output_shape[1]


def random_stack(generator):
    for _ in range(1000):
        layers = [
            (generator.randint(1, 5), generator.randint(1, 5), generator.choice([1, 1, 1, 2, 3]))
            for _ in range(generator.randint(1, 5))
        ]
        stack = ",".join(f"{height}x{width}s{stride}" for height, width, stride in layers)
        size = max(
            costs.receptive_field([(layer[axis], layer[2]) for layer in layers]).size for axis in (0, 1)
        )
        if size <= 31:
            return stack, layers
    raise AssertionError


def test_paths_are_the_gradient_of_a_stack_of_ones():
    """torch, not our own arithmetic: with every weight 1, the gradient counts the paths, border and all."""
    generator = random.Random(5)
    for _ in range(60):
        stack, layers = random_stack(generator)
        side = generator.randint(7, 24)
        given = {"side": side, "row": generator.randint(0, side), "column": generator.randint(0, side)}
        result = shown(stack=stack, **given)
        maps = pixels = torch.zeros(1, 1, side, side, requires_grad=True, dtype=torch.float64)
        for height, width, stride in layers:
            pads = ((width - 1) // 2, width // 2, (height - 1) // 2, height // 2)
            maps = nn.functional.pad(maps, pads)
            weight = torch.ones(1, 1, height, width, dtype=torch.float64)
            maps = nn.functional.conv2d(maps, weight, stride=stride)
        down, along = result["axes"]
        assert maps.shape[-2:] == (result["levels"][-1]["grid"],) * 2
        maps[0, 0, down["position"], along["position"]].backward()
        (top, bottom), (left, right) = down["seen"], along["seen"]
        counted = torch.zeros(side, side, dtype=torch.float64)
        counted[top:bottom, left:right] = torch.outer(
            torch.tensor(down["counts"], dtype=torch.float64),
            torch.tensor(along["counts"], dtype=torch.float64),
        )
        assert torch.equal(counted, pixels.grad[0, 0]), (stack, given)


def test_the_nearest_output_is_picked():
    """VGG16's last outputs are centred 15.5 + 32·n pixels into the image."""
    rows = [shown("vgg16-5", row=row)["axes"][0]["position"] for row in range(224)]
    assert rows == [min(range(7), key=lambda n: (abs(15.5 + 32 * n - row), -n)) for row in range(224)]


def test_outside_the_image():
    corner = shown(row=0, column=0)
    assert "rows −3 to 3 and columns −3 to 3" in corner["position"]
    assert f"{49 - 16} lie outside" in corner["position"]
    assert "larger than the image" in shown(stack="11x11", side=7)["position"]
    assert "outside" not in shown()["position"]


def test_skipped_pixels_lie_on_no_path():
    assert "0 to 1." in shown(stack="1x1s2,3x3")["paths"]


def test_sentences_of_kinds():
    assert "cannot make every such kernel" in shown("3x3,3x3")["equality"]
    assert "every such" not in shown(stack="1x1,3x3")["equality"]
    assert "max pooling is not linear" in shown("googlenet")["equality"]
    assert "no weights" in shown(stack="p3x3,p3x3")["equality"]
    assert "Add a layer" in shown("7x7")["equality"]
    assert "0 weights (0 %)" in shown(stack="p3x3")["compared"][0]


@pytest.mark.parametrize("stack", [",".join(["11x11s4"] * 18), "1x1s4,1x1s4,1x1s4,1x1s2"])
def test_what_is_too_large_is_said_and_not_drawn(stack):
    result = shown(stack=stack)
    assert set(result) == {"caption", "problem"}
    assert "remove a layer" in result["problem"]
    assert ReceptiveField(stack=stack).table().rows == ()


def test_every_number_fits_in_a_double():
    """The longest chains whose paths are counted, and the dearest that is drawn."""
    for stack in (",".join(["3x3"] * 15), ",".join(["3x3"] * 12 + ["2x2"] * 6)):
        result = shown(stack=stack, side=299, width=512, row=150, column=150)
        assert max(result["axes"][0]["counts"]) ** 2 < 2**53
    assert 18 * 121 * 512**2 * 64**2 < 2**53


def test_layers_are_read():
    assert [layer.label for layer in layers_of("7x7s2,p3x3s2,1x11")] == [
        "7×7, stride 2",
        "3×3 pool, stride 2",
        "1×11",
    ]
    assert [layer.operation for layer in layers_of("1x1,2x2,1x3,1x7,p3x3")] == [
        "conv1",
        "other",
        "conv3",
        "conv5",
        "pool",
    ]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ReceptiveField("9x9"), ValueError, "preset '9x9' is not known"),
        (lambda: ReceptiveField(stack=""), ValueError, "stack must match"),
        (lambda: ReceptiveField(stack="12x3"), ValueError, "got '12x3'"),
        (lambda: ReceptiveField(stack="3x3s5"), ValueError, "got '3x3s5'"),
        (lambda: ReceptiveField(stack=",".join(["3x3"] * 19)), ValueError, "stack must match"),
        (lambda: ReceptiveField(stack=[3]), TypeError, "stack must be text, got [3]"),
        (lambda: ReceptiveField(side=6), ValueError, "side must be from 7 to 299, got 6"),
        (lambda: ReceptiveField(width=0), ValueError, "width must be from 1 to 512, got 0"),
        (lambda: ReceptiveField(row=-1), ValueError, "row must be from 0 to 298, got -1"),
        (lambda: ReceptiveField(cut="both"), ValueError, "cut 'both' is not known"),
        (lambda: ReceptiveField(next="4x4"), ValueError, "next '4x4' is not known"),
        (lambda: ReceptiveField(layers="3x3"), TypeError, "no setting 'layers'; known: stack"),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()
