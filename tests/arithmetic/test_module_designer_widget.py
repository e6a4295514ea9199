"""The module designer against the papers' tables, `costs` and arithmetic by hand."""

import re

import pytest

from inception_lessons import costs
from inception_lessons.papers import BN_INCEPTION_FIGURE_5, GOOGLENET_MODULES, InceptionWidths, printed_count
from inception_lessons.widgets.module_designer import (
    KINDS,
    ModuleDesigner,
    evaluate,
    module_cost,
    numbers,
    presets,
)

BUILT = {
    **{key: ("googlenet", key) for key in GOOGLENET_MODULES},
    **{key: ("released", key[3:]) for key in presets() if re.fullmatch(r"bn-\w+", key)},
    "bn-4c-printed": ("printed", "4c"),
    "bn-4d-printed": ("printed", "4d"),
    **{key: ("v3", key[3:]) for key in presets() if key.startswith("v3-")},
}
NETWORKS = {
    "googlenet": lambda bias: costs.googlenet(bias=bias),
    "released": lambda bias: costs.bn_inception(bias=bias, norm=False),
    "printed": lambda bias: costs.bn_inception(table="printed", bias=bias, norm=False),
    "v3": lambda bias: costs.layer_costs(costs.walk(costs.inception_v3_stages(), 3, 299, bias=bias)),
}
CORNERS = [{"in_channels": 4, "grid": 1}, {"in_channels": 2048, "grid": 56}]


class TestPrinted:
    """The presets are the papers' modules, and cost what the papers print."""

    def test_all_modules_of_six_numbers_are_there(self):
        modules = [row for row in BN_INCEPTION_FIGURE_5 if row.type == "inception" and row.stride != 2]
        assert len(BUILT) == len(presets()) == 9 + len(modules) + 2 + 9
        assert next(iter(ModuleDesigner.presets())) == "4c"

    @pytest.mark.parametrize("key", GOOGLENET_MODULES)
    def test_ops_and_channels_of_table_1(self, key):
        row, designer = GOOGLENET_MODULES[key], ModuleDesigner(key)
        assert designer.costs().out_channels == row.channels
        near = abs(designer.costs().macs - printed_count(row.ops)) < 1e6
        assert near == (key != "5a")  # its printed 54M belongs to other widths

    @pytest.mark.parametrize("row", BN_INCEPTION_FIGURE_5, ids=lambda row: row.key)
    def test_channels_and_grid_of_figure_5(self, row):
        if f"bn-{row.key}" not in presets():
            return
        designer = ModuleDesigner(f"bn-{row.key}")
        assert designer.settings["grid"] == row.grid
        assert designer.settings["kind"] == f"bn_{row.pool}"
        assert designer.costs().out_channels == row.channels

    def test_printed_rows_do_not_add_up(self):
        assert ModuleDesigner("bn-4c-printed").costs().out_channels == 160 + 160 + 160 + 128 == 608
        assert ModuleDesigner("bn-4d-printed").settings["in_channels"] == 608

    @pytest.mark.parametrize(
        ("key", "in_channels", "grid", "out_channels"),
        [("v3-5b", 192, 35, 256), ("v3-5d", 288, 35, 288), ("v3-6e", 768, 17, 768), ("v3-7c", 2048, 8, 2048)],
    )
    def test_shapes_of_table_1_of_v3(self, key, in_channels, grid, out_channels):
        designer = ModuleDesigner(key)
        assert (designer.settings["in_channels"], designer.settings["grid"]) == (in_channels, grid)
        assert designer.costs().out_channels == out_channels

    @pytest.mark.parametrize("biases", [False, True])
    @pytest.mark.parametrize("key", BUILT)
    def test_as_in_the_whole_network(self, key, biases):
        network, name = BUILT[key]
        layers = [layer for layer in NETWORKS[network](biases) if layer.row == name]
        counted = ModuleDesigner(key, biases=biases).costs()
        boxes = [box for branch in counted.branches for level in branch.levels for box in level]
        shown = [(box.label, box.width, box.parameters, box.macs) for box in boxes if box.operation != "pool"]
        arithmetic = [
            ("×".join(map(str, kernel)), cost.output_shape[0], cost.parameters, cost.macs)
            for _, _, kernel, _, cost in layers
        ]
        assert shown == arithmetic

    @pytest.mark.parametrize("key", GOOGLENET_MODULES)
    @pytest.mark.parametrize("biases", [False, True])
    def test_naive_as_in_figure_2a(self, key, biases):
        designer = ModuleDesigner(key, naive=True, biases=biases)
        width, grid = designer.settings["in_channels"], designer.settings["grid"]
        row = GOOGLENET_MODULES[key]
        total = costs.total(costs.inception_module(row, width, grid, kind="naive", bias=biases))
        counted = designer.costs()
        assert (counted.parameters, counted.macs) == (total.parameters, total.macs)
        assert counted.out_channels == row.conv1 + row.conv3 + row.conv5 + width


class TestByHand:
    def test_4c(self):
        branches = ModuleDesigner().costs().branches
        weights = [512 * 128, 512 * 128 + 128 * 256 * 9, 512 * 24 + 24 * 64 * 25, 512 * 64]
        assert [branch.parameters for branch in branches] == weights
        assert [branch.macs for branch in branches] == [n * 14 * 14 for n in weights]

    def test_4c_naive(self):
        weights = [512 * 128, 512 * 256 * 9, 512 * 64 * 25, 0]
        naive = ModuleDesigner(naive=True).costs()
        assert [branch.parameters for branch in naive.branches] == weights
        assert naive.out_channels == 128 + 256 + 64 + 512

    def test_the_start_surprises(self):
        """5×5 below 1×1; and the naive form about four times the module: 2,064,384 / 509,440 = 4.052…"""
        shown = ModuleDesigner().evaluate(ModuleDesigner().settings)
        assert "The 5×5 branch takes fewer than the 1×1 branch: 9.95 % against 12.9 %." in shown["summary"]
        assert "The naive form would take 405 % of these MACs and give 960 channels" in shown["summary"]

    def test_naive_modules_in_a_row_grow(self):
        """Each adds 128 + 256 + 64 to what it gets; found by giving each the output of the one before."""
        width, widths = 512, [512]
        for _ in range(3):
            width = ModuleDesigner(in_channels=width, naive=True).costs().out_channels
            widths.append(width)
        assert widths == [512, 960, 1408, 1856]
        shown = evaluate(ModuleDesigner(naive=True).settings)
        assert shown["summary"].endswith("512 → 960 → 1,408 → 1,856.")
        assert shown["against"][0]["path"].endswith("512 → 960 → 1,408 → 1,856")
        assert shown["against"][1]["path"].endswith("512 → 512 → 512 → 512")

    def test_naive_split_ends(self):
        """1×3 and 3×1 read the input itself, 3×3 too; nothing follows the pooling."""
        naive = ModuleDesigner("v3-7b", naive=True).costs()
        assert [branch.parameters for branch in naive.branches] == [
            1280 * 320,
            2 * 3 * 1280 * 384,
            9 * 1280 * 384 + 2 * 3 * 384 * 384,
            0,
        ]
        assert naive.out_channels == 320 + 2 * 384 + 2 * 384 + 1280

    def test_naive_17(self):
        naive = ModuleDesigner("v3-6b", naive=True).costs()
        assert [branch.parameters for branch in naive.branches[1:3]] == [
            7 * (768 * 128 + 128 * 192),
            7 * (768 * 128 + 2 * 128 * 128 + 128 * 192),
        ]

    def test_biases_are_one_for_each_channel_of_a_convolution(self):
        without, with_biases = ModuleDesigner().costs(), ModuleDesigner(biases=True).costs()
        assert with_biases.parameters - without.parameters == 128 + 128 + 256 + 24 + 64 + 64
        assert with_biases.macs == without.macs

    def test_widths_multiply_and_grid_squares(self):
        small, large = ModuleDesigner(grid=7).costs(), ModuleDesigner(grid=14).costs()
        assert (large.macs, large.parameters) == (4 * small.macs, small.parameters)

    def test_compared_with_what_is_printed_on_the_same_input(self):
        labels = [row["label"] for row in evaluate(ModuleDesigner(conv3=320).settings)["against"]]
        assert labels[2:] == ["GoogLeNet 4b", "GoogLeNet 4c", "GoogLeNet 4d"]
        assert len(evaluate(ModuleDesigner(in_channels=508).settings)["against"]) == 2

    @pytest.mark.parametrize("sizes", CORNERS)
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("naive", [False, True])
    def test_branches_sum_to_the_module(self, sizes, kind, naive):
        settings = ModuleDesigner(kind=kind, naive=naive, **sizes).settings
        shown = evaluate(settings)
        for name in ("parameters", "macs"):
            assert sum(row[name] for row in shown["rows"]) == shown["total"][name]
        widest = {**settings, **dict.fromkeys(InceptionWidths._fields, 512), "biases": True}
        assert module_cost(widest).macs < 2**53

    def test_unused_numbers_change_nothing(self):
        for options in ({"naive": True}, {"preset": "v3-6b"}, {"preset": "v3-7b", "naive": True}):
            designer = ModuleDesigner(**options)
            for slider in evaluate(designer.settings)["sliders"]:
                changed = module_cost({**designer.settings, slider["name"]: 500})
                assert (changed == designer.costs()) == (not slider["used"])

    def test_equal_presets_share_one_entry(self):
        labels = [preset["label"] for preset in ModuleDesigner().state["spec"]["presets"]]
        assert "Inception-v3 Mixed_6c and Mixed_6d" in labels
        assert "BN-Inception 4c, projection as released" in labels
        assert len(labels) == len(set(labels)) == len(presets()) - 1


class TestTable:
    def test_cells(self):
        table = ModuleDesigner().table()
        assert table.rows[2] == ("5×5", "512 → 24 → 64", "50,688", "9.95 %", "9,934,848", "9.95 %")
        assert table.footer == ("Module", "512 → 512", "509,440", "100 %", "99,850,240", "100 %")

    def test_a_pooling_alone_costs_nothing(self):
        assert ModuleDesigner(naive=True).table().rows[3] == ("pooling", "512 → 512", "0", "0 %", "0", "0 %")


class TestBadSettings:
    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: ModuleDesigner("4f"), ValueError, "preset '4f' is not known; did you mean '4"),
            (lambda: ModuleDesigner(kind="bn"), ValueError, "kind 'bn' is not known; did you mean 'bn_"),
            (lambda: ModuleDesigner(conv5=0), ValueError, "conv5 must be from 4 to 512, got 0"),
            (lambda: ModuleDesigner(conv5=30), ValueError, "conv5 must be 4 plus a multiple of 4, got 30"),
            (lambda: ModuleDesigner(conv5=32.0), TypeError, "conv5 must be an integer, got 32.0"),
            (lambda: ModuleDesigner(in_channels=4096), ValueError, "in_channels must be from 4 to 2048"),
            (lambda: ModuleDesigner(grid=57), ValueError, "grid must be from 1 to 56, got 57"),
            (lambda: ModuleDesigner(naive=1), TypeError, "naive must be True or False, got 1"),
            (lambda: ModuleDesigner(conv7=8), TypeError, "no setting 'conv7'; known: kind, in_channels"),
            (
                lambda: ModuleDesigner("v3-6b", naive=True).numbers(),
                ValueError,
                "kind 'v3_17' has no constructor for its naive form, only 'googlenet' has one; set naive",
            ),
        ],
    )
    def test_messages(self, make, error, message):
        with pytest.raises(error, match=re.escape(message)):
            make()


class TestLive:
    """What a live widget builds; `dict` stands for a constructor, so that no torch is needed."""

    def test_module_follows_the_sliders(self):
        live = ModuleDesigner().live(build=dict)
        assert live.module() == live.numbers() == numbers(ModuleDesigner().settings)
        live.conv3 = 320
        assert live.module() == {
            "in_channels": 512,
            "widths": GOOGLENET_MODULES["4c"].widths._replace(conv3=320),
        }

    def test_a_constructor_stands_for_one_kind_and_form(self):
        live = ModuleDesigner().live(build=dict)
        for change, key in (("naive", "googlenet_naive"), ("kind", "v3_35")):
            live.naive = change == "naive"
            live.kind = "v3_35" if change == "kind" else "googlenet"
            with pytest.raises(ValueError, match=re.escape(f"no constructor for {key!r} was given")):
                live.module()

    def test_no_constructor(self):
        message = "no constructor for 'googlenet' was given, got none; use live(build={'googlenet': …})"
        with pytest.raises(ValueError, match=re.escape(message)):
            ModuleDesigner().live().module()

    def test_no_naive_form_of_the_others(self):
        live = ModuleDesigner("v3-7c").live(build=dict)
        live.naive = True
        with pytest.raises(ValueError, match="kind 'v3_8' has no constructor for its naive form"):
            live.module()

    @pytest.mark.parametrize(
        ("build", "error", "message"),
        [
            ({"v3": dict}, ValueError, "kind 'v3' is not known; did you mean 'v3_"),
            ({"googlenet": 3}, TypeError, "build['googlenet'] must be callable, got 3"),
            (3, TypeError, "build must be a constructor or a mapping of them by kind, got 3"),
        ],
    )
    def test_bad_build(self, build, error, message):
        with pytest.raises(error, match=re.escape(message)):
            ModuleDesigner().live(build=build)
