"""Accuracy against cost: published figures against the papers, the frontier against brute force."""

import itertools
import re

import pytest

from inception_lessons._torchvision import import_torchvision
from inception_lessons.papers import TORCHVISION_ACCURACIES
from inception_lessons.records import ImageNetResult, imagenet_results
from inception_lessons.widgets.accuracy_cost import MEASURES, SHOWN, AccuracyCost

RESULTS = {row.key: row for row in imagenet_results()}

# top-1 error, top-5 error, networks, crops; as printed, typed from the papers.
PRINTED = {
    # NIPS 2012, Table 2 (also arXiv:1311.2901, Table 2); ten patches: section 4.1
    "alexnet": (40.7, 18.2, 1, 10),
    "alexnet-5x10": (38.1, 16.4, 5, 10),
    # arXiv:1311.2901, Table 2
    "zfnet": (38.4, 16.5, 1, None),
    "zfnet-5": (36.7, 15.3, 5, None),
    # arXiv:1409.1556, Table 3 (A, B at 256; D, E at [256; 512]); section 3.2: whole image, mirrored
    "vgg-11": (29.6, 10.4, 1, None),
    "vgg-13": (28.7, 9.9, 1, None),
    "vgg-16": (25.6, 8.1, 1, None),
    "vgg-19": (25.5, 8.0, 1, None),
    # gist d802a5849de39225bcc6: 59.36 % top-1 accuracy
    "nin": (40.64, None, 1, 1),
    # arXiv:1409.4842v1, Table 3; the top-1 error from arXiv:1512.00567, Table 3
    "googlenet": (29.0, 10.07, 1, 1),
    "googlenet-1x10": (None, 9.15, 1, 10),
    "googlenet-1x144": (None, 7.89, 1, 144),
    "googlenet-7x144": (None, 6.67, 7, 144),
    # arXiv:1502.03167v3, Figure 4
    "bn-inception": (25.2, 7.82, 1, 1),
    "bn-inception-1x144": (21.99, 5.82, 1, 144),
    "bn-inception-6x144": (20.1, 4.9, 6, 144),
    # arXiv:1512.00567, Tables 3, 4 and 5, abstract
    "inception-v2": (21.6, 5.8, 1, 1),
    "inception-v3": (21.2, 5.6, 1, 1),
    "inception-v3-1x12": (19.47, 4.48, 1, 12),
    "inception-v3-1x144": (18.77, 4.2, 1, 144),
    "inception-v3-4x144": (17.3, 3.46, 4, 144),
}

# Parameters, and MACs in millions: counted on networks built in PyTorch, by hooks on their layers.
COUNTED = {
    "alexnet": (60_965_224, 724.406816),
    "zfnet": (62_357_608, 1168),
    "vgg-11": (132_863_336, 7609),
    "vgg-13": (133_047_848, 11_308),
    "vgg-16": (138_357_544, 15_470),
    "vgg-19": (143_667_240, 19_632),
    "nin": (7_595_176, 1100),
    "googlenet": (6_998_552, 1582.67),
    "bn-inception": (11_194_984, 2019),
    "inception-v3": (23_834_568, 5713.2),
}


def parts(number: float) -> float:
    """Return half of the last digit given."""
    text = f"{number}"
    return 0.5 if "." not in text else 0.5 * 10 ** -len(text.split(".")[1])


class TestFigures:
    @pytest.mark.parametrize("key", PRINTED)
    def test_as_printed(self, key):
        row = RESULTS[key]
        assert (row.top1, row.top5, row.networks, row.crops) == PRINTED[key]

    def test_no_other_figure_of_a_paper(self):
        assert {row.key for row in RESULTS.values() if row.group != "torchvision"} == set(PRINTED)

    @pytest.mark.parametrize("key", COUNTED)
    def test_costs(self, key):
        parameters, millions = COUNTED[key]
        assert RESULTS[key].parameters == parameters
        assert abs(RESULTS[key].macs / 1e6 - millions) <= parts(millions)

    @pytest.mark.slow
    @pytest.mark.parametrize("row", TORCHVISION_ACCURACIES, ids=lambda row: row.weights)
    def test_torchvision_says_the_same(self, row):
        """Accuracies, parameters and operations from the installed library."""
        meta = getattr(import_torchvision().models, row.weights).IMAGENET1K_V1.meta
        assert meta["_metrics"]["ImageNet-1K"] == {"acc@1": row.top1, "acc@5": row.top5}
        found = next(result for result in RESULTS.values() if row.weights in result.source)
        # It counts Inception v3 with its auxiliary head of 3,326,696 parameters.
        assert meta["num_params"] - found.parameters == (3_326_696 if "V3" in row.weights else 0)
        assert abs(found.macs / 1e9 - meta["_ops"]) <= 0.0005
        assert round(found.top1 + row.top1, 9) == round(found.top5 + row.top5, 9) == 100

    def test_every_figure_names_its_protocol_and_source(self):
        for row in RESULTS.values():
            assert "validation" in row.protocol
            assert re.search(r"arXiv:|NIPS|torchvision|Caffe", row.source)
            assert bool(row.uncounted) == (row.crops is None)
            assert row.single == (row.networks == row.crops == 1)

    def test_the_paper_of_v3_leaves_out_the_blacklist(self):
        assert "48,238 of the 50,000" in RESULTS["inception-v3"].protocol  # section 10
        assert "48,238" not in RESULTS["googlenet"].protocol

    def test_the_lineage_is_in_the_order_of_the_chapters(self):
        lineage = [row.name for row in imagenet_results() if row.group == "lineage"]
        assert lineage == [
            "AlexNet", "ZFNet", "VGG-16", "NiN", "GoogLeNet", "BN-Inception", "Inception v2", "Inception v3"
        ]  # fmt: skip


def value(row: ImageNetResult, axis: str, whole_test: bool):
    """Return what an axis should show, by another road than the widget."""
    if axis == "parameters":
        return row.parameters * (row.networks if whole_test else 1)
    if axis == "macs":
        passes = (row.crops or 0) * row.networks if whole_test else 1
        return row.macs * passes or None
    return getattr(row, axis)


GROUPS = {"lineage": 8, "torchvision": 14, "all": 27}


class TestFrontier:
    @pytest.mark.parametrize("show", SHOWN)
    @pytest.mark.parametrize("whole_test", [False, True])
    @pytest.mark.parametrize("axes", list(itertools.permutations(MEASURES, 2)))
    def test_by_brute_force(self, show, whole_test, axes):
        """Sweep from the left: on the frontier is what is lower than everything that is not further right."""
        candidates = imagenet_results()[: GROUPS[show]]
        places = {row.key: tuple(value(row, axis, whole_test) for axis in axes) for row in candidates}
        drawn = {key: at for key, at in places.items() if None not in at}
        lowest = {x: min(y for other, y in drawn.values() if other == x) for x, _ in drawn.values()}
        front, best = set(), float("inf")
        for x in sorted(lowest):
            if lowest[x] < best:
                front |= {key for key, at in drawn.items() if at == (x, lowest[x])}
                best = lowest[x]
        shown = AccuracyCost.evaluate(
            AccuracyCost(x=axes[0], y=axes[1], show=show, whole_test=whole_test).settings
        )
        assert {point["key"]: (point["x"], point["y"]) for point in shown["points"]} == drawn
        assert set(shown["frontier"]) == front == {p["key"] for p in shown["points"] if p["frontier"]}
        assert [drawn[key][0] for key in shown["frontier"]] == sorted(drawn[key][0] for key in front)

    def test_by_parameters_nothing_before_googlenet_counts(self):
        assert [row.name for row in AccuracyCost().frontier()] == [
            "GoogLeNet",
            "BN-Inception",
            "Inception v3",
        ]

    def test_by_macs_alexnet_is_the_cheapest(self):
        assert [row.name for row in AccuracyCost("macs").frontier()] == [
            "AlexNet", "ZFNet", "GoogLeNet", "BN-Inception", "Inception v3"
        ]  # fmt: skip

    def test_its_ten_crops_cost_more_than_one_pass_of_v3(self):
        shown = AccuracyCost.evaluate(AccuracyCost("whole-test").settings)
        macs = {point["key"]: point["x"] for point in shown["points"]}
        assert macs["alexnet"] == 7_244_068_160 == max(macs.values())
        assert "alexnet" not in shown["frontier"]

    def test_seven_googlenets_at_144_crops_cost_1008_passes(self):
        """arXiv:1409.4842v1, Table 3 prints the cost 1008."""
        shown = AccuracyCost.evaluate(AccuracyCost("averages-counted").settings)
        macs = {point["key"]: point["x"] for point in shown["points"]}
        assert macs["googlenet-7x144"] == 1008 * macs["googlenet"]


class TestSentences:
    def test_the_start(self):
        shown = AccuracyCost.evaluate(AccuracyCost().settings)
        assert (
            "Fewest parameters: GoogLeNet with 6,998,552, which is 5.06 % of the 138,357,544 of VGG-16."
            in (shown["summary"])
        )
        assert shown["left_out"][0] == "NiN: no top-5 error is published."
        assert "LeNet" in shown["left_out"][-1]
        assert "CIFAR-10" in shown["left_out"][-1]

    def test_other_protocols_on_the_frontier_are_named(self):
        summary = AccuracyCost.evaluate(AccuracyCost("macs").settings)["summary"]
        assert summary.endswith("of the frontier, tested otherwise, or not said: AlexNet and ZFNet.")
        assert "otherwise" not in AccuracyCost.evaluate(AccuracyCost("years").settings)["summary"]

    def test_what_has_no_count_is_left_out_and_said(self):
        shown = AccuracyCost.evaluate(AccuracyCost("whole-test").settings)
        assert shown["left_out"][:2] == [
            "ZFNet: how many crops were averaged is not printed.",
            "VGG-16: tested on whole images and their mirror images, not on a number of crops.",
        ]

    def test_a_chosen_point_says_who_beats_it(self):
        detail = AccuracyCost.evaluate(AccuracyCost(point="vgg-16").settings)["detail"]
        assert detail["title"] == "3 VGG-16, 2014"
        assert detail["text"].startswith(
            "Beaten by BN-Inception, Inception v2 and Inception v3. Tested with one "
        )
        assert "arXiv:1409.1556, Table 3" in detail["text"]

    def test_a_point_that_is_not_drawn_falls_back_to_the_first(self):
        assert AccuracyCost.evaluate(AccuracyCost(point="nin").settings)["detail"]["key"] == "alexnet"

    @pytest.mark.parametrize("axis", MEASURES)
    def test_two_equal_axes_are_refused_in_a_sentence(self, axis):
        widget = AccuracyCost(x=axis, y=axis)
        shown = AccuracyCost.evaluate(widget.settings)
        assert shown["points"] == shown["frontier"] == []
        assert shown["summary"] == f"Both axes show {MEASURES[axis].word}: choose two different measures."
        assert shown["summary"] in str(widget)

    def test_the_table_has_the_protocols(self):
        table = AccuracyCost().table()
        assert len(table.rows) == 7
        assert table.rows[0][:6] == ("AlexNet", "60,965,224", "724,406,816", "18.2 %", "40.7 %", "no")
        assert "ten crops" in table.rows[0][-1]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: AccuracyCost("mac"), ValueError, "preset 'mac' is not known; did you mean 'macs'"),
        (lambda: AccuracyCost(x="flops"), ValueError, "x 'flops' is not known"),
        (lambda: AccuracyCost(y="accuracy"), ValueError, "y 'accuracy' is not known"),
        (lambda: AccuracyCost(show="none"), ValueError, "show 'none' is not known"),
        (lambda: AccuracyCost(whole_test=1), TypeError, "whole_test must be True or False, got 1"),
        (lambda: AccuracyCost(point="lenet"), ValueError, "point must match alexnet|zfnet"),
        (lambda: AccuracyCost(point=5), TypeError, "point must be text, got 5"),
        (
            lambda: AccuracyCost(axis="x"),
            TypeError,
            "no setting 'axis'; known: x, y, show, whole_test, point",
        ),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()
