"""Nonsense for every public function that needs no torch: only errors that its docstring names."""

import inspect
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_lessons import claims, costs, discrepancies, exercises, papers, plots, records, tables, widgets
from inception_lessons.exercises import _study, _task
from inception_lessons.widgets import _controls, answer_check, cost_bench
from inception_lessons.widgets import _page as page
from tests.nonsense import NONSENSE, Call, failures, meant

pytestmark = pytest.mark.slow

WIDTHS = papers.GOOGLENET_MODULES["3a"]
MODULE = papers.BN_INCEPTION_FIGURE_5[4]
SHIPPED = costs.INCEPTION_V3_TABLE
STAGES = costs.lenet_stages()
LAYERS = costs.lenet()

COSTS = {
    "alexnet": {},
    "alexnet_stages": {"table": costs.alexnet_table()},
    "alexnet_table": {},
    "auxiliary_after": {"table": SHIPPED},
    "auxiliary_head": {"head": papers.GOOGLENET_AUXILIARY, "num_classes": 10},
    "batch_norm": {"channels": 3, "grid": 4},
    "bn_inception": {},
    "bn_inception_rows": {"table": papers.BN_INCEPTION_FIGURE_5},
    "bn_inception_stages": {},
    "by_row": {"layers": LAYERS},
    "conv2d": {"in_channels": 3, "out_channels": 4, "kernel_size": 3, "grid": 9},
    "conv_output_size": {"size": 9, "kernel_size": 3},
    "double_inception_branches": {"row": MODULE},
    "double_inception_channels": {"row": MODULE, "in_channels": 9},
    "googlenet": {},
    "googlenet_choice": {"variant": "paper", "option": "norm", "value": None},
    "googlenet_heads": {},
    "googlenet_rows": {},
    "googlenet_stages": {},
    "grid_reduction": {"kind": "parallel", "in_channels": 3, "out_channels": 9, "grid": 9},
    "grid_reduction_steps": {"kind": "parallel", "in_channels": 3, "out_channels": 9},
    "inception_branches": {"widths": WIDTHS},
    "inception_module": {"widths": WIDTHS, "in_channels": 9, "grid": 9},
    "inception_out_channels": {"widths": WIDTHS, "in_channels": 9},
    "inception_v2_rethinking": {},
    "inception_v2_rethinking_stages": {},
    "inception_v3": {},
    "inception_v3_auxiliary_head": {"num_classes": 9},
    "inception_v3_module": {"row": SHIPPED[-1]},
    "inception_v3_stages": {},
    "input_sizes": {"stages": STAGES, "in_channels": 1},
    "inputs_of_maps": {},
    "layer_costs": {"walked": costs.walk(STAGES, 1, 28)},
    "lenet": {},
    "lenet5": {},
    "lenet5_connections": {},
    "lenet5_stages": {},
    "lenet_stages": {},
    "linear": {"in_features": 3, "out_features": 4},
    "longest_path": {"stages": STAGES},
    "minimum_input_size": {},
    "multi_crop_count": {"scales": 1, "squares": 2, "crops": 3},
    "nin_cifar10": {},
    "nin_imagenet": {},
    "nin_stages": {},
    "parallel_channels": {"in_channels": 3, "out_channels": 9},
    "pool2d": {"channels": 3, "kernel_size": 3, "grid": 9},
    "pool_output_size": {"size": 9, "kernel_size": 3},
    "receptive_field": {"layers": [(3, 1)]},
    "scale_channels": {"channels": 9, "width": 0.5},
    "scale_row": {"row": SHIPPED[-1], "width": 0.5},
    "separable_stem": {"in_channels": 3, "out_channels": 4, "kernel_size": 3},
    "total": {"layers": LAYERS},
    "vgg": {},
    "vgg_column": {"name": "D"},
    "vgg_layers": {"column": costs.vgg_column("D")},
    "vgg_stages": {"layers": costs.vgg_layers(costs.vgg_column("D"))},
    "walk": {"stages": STAGES, "in_channels": 1, "input_size": 28},
    "zfnet": {},
    "zfnet_stages": {},
}

PLOTS = {
    "bars": {"rows": [{"name": "a", "count": 1}], "value": "count"},
    "compare": {
        "blocks": {"a": costs.Conv("a", 3, 1), "b": costs.Conv("b", 3, 3)},
        "in_channels": 3,
        "grid": 9,
    },
    "compare_modules": {"row": WIDTHS, "in_channels": 9, "grid": 9},
    "concatenation": {"branch_channels": [1, 2, 3, 4], "grid": 9},
    "gradient_norms": {"series": {"a": [("layer", 1.0)]}},
    "image_grid": {"images": [[[1, 2], [3, 4]]], "labels": ["a"]},
    "inception_module": {"row": WIDTHS, "in_channels": 9, "grid": 9},
    "lineage": {"networks": [{"name": "a", "idea": "b", "status": "written", "year": 1990}]},
    "module": {"steps": [costs.Conv("a", 3, 1)], "in_channels": 3, "grid": 9, "name": "a"},
    "network": {},
    "receptive_fields": {},
    "training_curves": {"histories": {"a": [{"step": 1, "loss": 2.0, "accuracy": 0.5}]}},
}


UNIONS = {"Pair", "Step"}
"""Unions of types, which Python calls callable."""


def functions(module) -> set[str]:
    found = {name: getattr(module, name) for name in module.__all__}
    kinds = {name for name, value in found.items() if inspect.isclass(value)}
    return {name for name, value in found.items() if callable(value)} - kinds - UNIONS


def test_every_public_function_is_here():
    """So that a new one is not left out."""
    assert functions(costs) == COSTS.keys()
    assert functions(plots) == PLOTS.keys()
    assert functions(papers) == {"printed_count"}
    assert functions(records) == {"growing_table", "imagenet_results", "load", "read", "write"}
    without = {name for name in functions(discrepancies) if _parameters(getattr(discrepancies, name))}
    assert without == {"explained", "googlenet_table_1"}
    assert functions(widgets) == {"share"}
    assert not functions(exercises)


def _parameters(function) -> bool:
    return bool(inspect.signature(function).parameters)


def none_fails(calls, least: int) -> None:
    made, failed = failures(calls)
    assert not failed, "\n".join(failed)
    assert made >= least


def test_costs_of_nonsense():
    """The quick ones; a table's every field is the slow test's."""
    quick = {"conv2d", "pool2d", "linear", "batch_norm", "conv_output_size", "pool_output_size", "walk"}
    none_fails({name: Call(getattr(costs, name), COSTS[name]) for name in quick | {"total"}}, 700)


def test_every_function_of_costs_against_nonsense():
    searches = {"minimum_input_size": ("table",)}  # the table's turn comes with googlenet_stages
    calls = {
        name: Call(getattr(costs, name), arguments, left=searches.get(name, ()))
        for name, arguments in COSTS.items()
    }
    none_fails(calls, 5_000)


def test_every_figure_against_nonsense():
    long = {"network": ("table",)}  # counted as in googlenet_stages
    calls = {
        name: Call(getattr(plots, name), arguments, left=long.get(name, ()))
        for name, arguments in PLOTS.items()
    }
    none_fails(calls, 900)
    for table in NONSENSE:
        with pytest.raises((TypeError, ValueError), match="table"):
            plots.network(table)
    figure = plots.bars(**PLOTS["bars"])
    none_fails({"png": Call(figure.png)}, 20)


def test_papers_records_and_tables_against_nonsense(tmp_path):
    record = records.load("lesson_networks")
    setting = next(iter(record.definition["settings"]))
    value = {"setting": setting, "value": "top1"}
    path = records.files.FOLDER / "lesson_networks.json"
    none_fails(
        {
            "printed_count": Call(papers.printed_count, {"text": "15K"}),
            "explained": Call(
                discrepancies.explained, {"comparisons": discrepancies.googlenet_text()[:3]}, left=("words",)
            ),
            "googlenet_table_1": Call(discrepancies.googlenet_table_1),
            "load": Call(records.load, {"name": "lesson_networks"}),
            "read": Call(records.read, {"path": path}),
            "growing_table": Call(records.growing_table, {"until": "AlexNet"}),
            "of": Call(record.of, {"setting": setting}),
            "values": Call(record.values, value),
            "median": Call(record.median, value),
            "spread": Call(record.spread, value),
            "failures": Call(record.failures, {"setting": setting}),
            "Table": Call(tables.Table, {"caption": "c", "header": ("a", "b"), "rows": [("x", 1)]}),
            "millions": Call(tables.millions, {"value": 5}),
            "page_says": Call(claims.page_says, {"sentence": "a", "holds": True}, (claims.ClaimFails,)),
        },
        350,
    )


# -- what a widget and a question are made of ---------------------------------------------------------------

SLIDER = _controls.Slider("a", "A", 0, 10)
SELECT = _controls.Select("a", "A", {"x": "X", "y": "Y"})
TEXT = _controls.Text("a", "A", "a*", ("a",))
PRESET = _controls.Preset("p", {"a": 1}, "s")
OPTIONS = [answer_check.Option("a", True, "yes"), answer_check.Option("b", False, "no")]
CHOICE = {"key": "k", "question": "q", "options": OPTIONS}
NUMBER = {"key": "k", "question": "q", "answer": 5, "mistakes": [answer_check.Mistake(3, "no")]}
STUDY = ({"a": [0.1, 0.2, 0.3], "b": [0.4, 0.5, 0.6]}, "second")


def test_specs_and_questions_against_nonsense():
    none_fails(
        {
            "Slider": Call(_controls.Slider, {"name": "a", "label": "A", "low": 0, "high": 10}),
            "Slider.checked": Call(SLIDER.checked, {"value": 3}),
            "fine Slider.checked": Call(_controls.Slider("a", "A", 0.0, 1.0, 0.1).checked, {"value": 0.3}),
            "Select": Call(_controls.Select, {"name": "a", "label": "A", "options": SELECT.options}),
            "Select.checked": Call(SELECT.checked, {"value": "x"}),
            "Toggle": Call(_controls.Toggle, {"name": "a", "label": "A"}),
            "Toggle.checked": Call(_controls.Toggle("a", "A").checked, {"value": True}),
            "Text": Call(_controls.Text, {"name": "a", "label": "A", "pattern": "a*", "examples": ("a",)}),
            "Text.checked": Call(TEXT.checked, {"value": "a"}),
            "checked_spec": Call(_controls.checked_spec, {"controls": [SLIDER], "presets": {"p": PRESET}}),
            "own_steps": Call(cost_bench.own_steps, {"text": "1x1 16", "in_channels": 3}),
            "Choice": Call(widgets.Choice, CHOICE),
            "Choice.check": Call(widgets.Choice(**CHOICE).check, {"response": "A"}),
            "Number": Call(widgets.Number, NUMBER),
            "Number.check": Call(widgets.Number(**NUMBER).check, {"response": "5"}),
            "Feedback": Call(widgets.Feedback, {"verdict": "correct", "message": "m"}),
            "judge_choice": Call(
                answer_check.judge_choice,
                {"options": widgets.Choice(**CHOICE).state["options"], "response": "A"},
            ),
            "judge_number": Call(
                answer_check.judge_number, {"spec": widgets.Number(**NUMBER).state, "response": "5"}
            ),
            "parse_number": Call(answer_check.parse_number, {"text": "5"}),
            "study": Call(_study.study_of_seeds, {"key": "k"}),
            "study's check": Call(_study.study_of_seeds("k").check, {"answer": STUDY}),
            "Task's check": Call(_task.Task("k", lambda answer: None, "p").check, {"answer": 1}),
            "classic": Call(page.classic, {"source": "export default {}"}),
            "share": Call(widgets.share, {"page": "<p>no widget</p>"}),
        },
        1_000,
    )


def test_scenarios_against_nonsense():
    """A scenario's every field, and the settings."""
    arguments = {"scenario": cost_bench.CONVOLUTION, "settings": cost_bench.CostBench().settings}
    none_fails(
        {name: Call(getattr(cost_bench, name), arguments) for name in ("variant_costs", "evaluate")}, 150
    )


@pytest.mark.parametrize("instrument", widgets.INSTRUMENTS, ids=lambda kind: kind.__name__)
def test_every_instrument_refuses_nonsense_or_shows_it(instrument):
    """In its preset and in each of its settings; and an unknown one."""
    shown = refused = 0
    for name in ("preset", *instrument().settings, "nonsense"):
        for item in NONSENSE:
            try:
                widget = instrument(**{name: item})
            except (TypeError, ValueError) as error:
                assert meant(error, Call(instrument)), (name, item)
                refused += 1
            else:
                assert widget.evaluate(widget.settings) and widget.table().text(), (name, item)
                shown += 1
    assert refused > shown > 0


def test_a_preset_of_nonsense_is_refused_by_its_key():
    for settings_of_it in (None, [], "a", {"b": 1}, {"a": 11}, {"a": None}):
        with pytest.raises((TypeError, ValueError), match="preset 'odd'"):
            _controls.checked_spec([SLIDER], {"odd": _controls.Preset("p", settings_of_it, "s")})


# -- answers as readers type them ---------------------------------------------------------------------------

TYPED = st.text(st.sampled_from("0123456789.,_ +-eE×x*^%KMGBbntimesMACs²½٣\u00a0\u2009“\n"), max_size=24)


@pytest.mark.parametrize("examples", [800])
def test_any_typed_answer_gets_a_verdict(examples, times):
    """And what has digits alone is the number that Python reads."""
    question = widgets.Number(**NUMBER, unit="MACs")
    choice, task = widgets.Choice(**CHOICE), _study.study_of_seeds("k")
    seen: set[str] = set()

    @settings(max_examples=examples * times)
    @given(TYPED | st.text(max_size=40), st.integers(0, 2**53))
    def answered(typed, number):
        for judged in (question.check(typed), choice.check(typed), task.check((typed, typed))):
            assert judged.verdict in ("correct", "wrong", "unclear") and str(judged).strip()
        assert answer_check.parse_number(f"{number:,}", "MACs") == number
        assert answer_check.parse_number(f"{number} MACs", "MACs") == number
        seen.add(typed)

    answered()
    assert len(seen) > examples / 2


# -- several arguments at once ------------------------------------------------------------------------------


@pytest.mark.parametrize("examples", [800])
def test_costs_of_mixed_nonsense(examples, times):
    names = (
        "conv2d",
        "pool2d",
        "linear",
        "batch_norm",
        "conv_output_size",
        "pool_output_size",
        "receptive_field",
    )
    outcomes = {"refused": 0, "counted": 0}

    @settings(max_examples=examples * times)
    @given(
        st.sampled_from(names), st.integers(0, 2**32), st.integers(-3, 12), st.floats(), st.text(max_size=3)
    )
    def counted(name, seed, integer, number, text):
        function, chance = getattr(costs, name), random.Random(seed)
        odd = [*NONSENSE, integer, integer, integer, (integer, 3), number, text]
        arguments = {
            key: chance.choice(odd) if chance.random() < 0.4 else COSTS[name].get(key, parameter.default)
            for key, parameter in inspect.signature(function).parameters.items()
        }
        try:
            function(**arguments)
        except (TypeError, ValueError) as error:
            assert meant(error, Call(function)), arguments
            outcomes["refused"] += 1
        else:
            outcomes["counted"] += 1

    counted()
    assert min(outcomes.values()) >= examples / 10, outcomes
