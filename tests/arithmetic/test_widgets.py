"""The widgets' Python side: what they count, what they say, and what stands in a page without a script."""

import json
import random
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files

import pytest

from inception_lessons import costs
from inception_lessons.papers import GOOGLENET_MODULES
from inception_lessons.widgets import (
    Choice,
    CostBench,
    Feedback,
    HeadBench,
    LabelSmoothing,
    Mistake,
    Number,
    Option,
    _page,
    share,
)
from inception_lessons.widgets._controls import Preset, Select, Slider, Text, Toggle, checked_spec
from inception_lessons.widgets._numbers import percent
from inception_lessons.widgets.answer_check import parse_number
from inception_lessons.widgets.cost_bench import CONVOLUTION, presets

MODULES = sorted(
    file.name
    for file in files("inception_lessons.widgets").joinpath("static").iterdir()
    if file.name.endswith(".mjs")
)
PARTS = ("frame.mjs", "axes.mjs", "percent.mjs")


def choice(**changes):
    options = [Option("No", True, "The channels stay."), Option("Yes", False, "Look at `N×C×H×W` again.")]
    return Choice(**{"key": "05-pool", "question": "Does it change?", "options": options, **changes})


def number(**changes):
    return Number(
        **{"key": "05-macs", "question": "How many?", "answer": 128_000_000, "unit": "MACs", **changes}
    )


class TestCosts:
    """Ratios that the papers derive, reached by the bench's own counting."""

    @pytest.mark.parametrize("width", [1, 7, 192, 1024])
    @pytest.mark.parametrize("kernel", [3, 5, 7, 11])
    def test_ratios_at_equal_width(self, width, kernel):
        sizes = {
            "in_channels": width,
            "reduced_channels": width,
            "out_channels": width,
            "kernel_size": kernel,
        }
        count = {key: Fraction(row.macs) for key, row in CostBench(**sizes).costs().items()}
        squared = Fraction(kernel**2)
        # arXiv:1512.00567, section 3: 9·(k−1)/2 for k² in a stack, 2/k for an asymmetric pair;
        # arXiv:1704.04861, section 3.1: 1/N + 1/k² for depthwise separable.
        assert count["stacked"] / count["direct"] == Fraction(9 * (kernel - 1), 2) / squared
        assert count["factorized"] / count["direct"] == Fraction(2, kernel)
        assert count["separable"] / count["direct"] == Fraction(1, width) + 1 / squared
        assert count["reduced"] / count["direct"] == 1 + 1 / squared

    def test_the_readers_own_variant_is_counted_beside_the_others(self):
        # 480 → 16 → 24 → 48 over 14×14: 480·16 + 9·16·24 + 9·24·48 weights, each used at 196 positions.
        row = CostBench(own="1x1 16, 3×3 24, 3x3 48").costs()["own"]
        assert (row.parameters, row.macs) == (21_504, 21_504 * 196)
        row = CostBench(own="3x3 depthwise, 1x1 48", biases=True).costs()["own"]
        assert row.parameters == 480 * 9 + 480 + 480 * 48 + 48
        shown = CostBench.evaluate(CostBench(own="1x1 2").settings)["summary"]
        assert "1×1, then 5×5" in shown
        assert shown.endswith("Your own ends in 2 channels, not 48: it does another job.")

    @pytest.mark.parametrize("text", ["3x3", "0x3 4", "3x3 4,1x1 2", "3x3 4, ", "1x1 1" + ", 1x1 1" * 6, "a"])
    def test_a_variant_that_cannot_be_read_is_refused(self, text):
        with pytest.raises(ValueError, match="own must match"):
            CostBench(own=text)

    def test_heads_are_those_of_the_networks(self):
        # AlexNet's dense layers: 9216·4096 + 4096² + 4096·1000; VGG's: 25088·4096 + 4096² + 4096·1000.
        assert HeadBench().costs()["three"].parameters == 37_748_736 + 16_777_216 + 4_096_000
        assert HeadBench("vgg16").costs()["three"].parameters == 102_760_448 + 16_777_216 + 4_096_000
        assert HeadBench("googlenet", biases=True).costs()["mean"].parameters == 1_025_000
        assert HeadBench("inception-v3", biases=True).costs()["mean"].parameters == 2_049_000
        # NiN's last 1×1 convolution, cccp8, over 6×6.
        assert HeadBench("nin").costs()["map"].macs == 36_864_000

    def test_two_3x3_save_28_percent(self):
        assert CostBench(in_channels=64, out_channels=64, kernel_size=5).table().rows[2][3] == "72.0 %"

    @pytest.mark.parametrize("key", GOOGLENET_MODULES)
    @pytest.mark.parametrize("kernel", [3, 5])
    @pytest.mark.parametrize("biases", [False, True])
    def test_presets_are_the_branches_of_the_network(self, key, kernel, biases):
        """The same two layers, found by walking the whole network from its input."""
        names = (f"reduce{kernel}", f"conv{kernel}")
        layers = [row for row in costs.googlenet(bias=biases) if row.row == key and row.name in names]
        reduced = CostBench(f"{key}-{kernel}x{kernel}", biases=biases).costs()["reduced"]
        assert reduced.parameters == sum(layer.cost.parameters for layer in layers)
        assert reduced.macs == sum(layer.cost.macs for layer in layers)

    def test_biases_are_parameters_and_no_macs(self):
        without, with_biases = CostBench().costs(), CostBench(biases=True).costs()
        added = {key: with_biases[key].parameters - without[key].parameters for key in without}
        assert added == {
            "direct": 48,
            "reduced": 16 + 48,
            "stacked": 96,
            "factorized": 96,
            "separable": 480 + 48,
        }
        assert [row.macs for row in without.values()] == [row.macs for row in with_biases.values()]

    def test_the_start_contradicts_what_one_expects(self):
        """In 4a alone, the 1×1 of 2014 undercuts the depthwise separable convolution."""
        cheaper = []
        for key in GOOGLENET_MODULES:
            rows = CostBench(f"{key}-5x5").costs()
            cheaper += [key] * (rows["reduced"].macs < rows["separable"].macs)
        assert cheaper == ["4a"]
        assert CostBench().settings == CostBench("4a-5x5").settings

    def test_stack_of_one_at_kernel_3(self):
        rows = CostBench(kernel_size=3).costs()
        assert rows["stacked"].label == "one 3×3"
        assert rows["stacked"].layers == rows["direct"].layers

    def test_counts_fit_in_a_double(self):
        largest = {setting.name: setting.high for setting in CONVOLUTION.sliders}
        rows = CostBench.evaluate({**largest, "biases": True})["rows"]
        assert max(row["macs"] for row in rows) < 2**53

    def test_equal_presets_share_one_entry(self):
        labels = [choice["label"] for choice in CostBench().state["spec"]["presets"]]
        assert "GoogLeNet 4b and 4c, 5×5 branch" in labels
        assert len(labels) == len(presets()) - 1


class TestPercent:
    def test_halves_go_up(self):
        for digits in range(100, 1000):
            shown = percent(2 * digits + 1, 200)  # digits + ½ percent
            assert shown == f"{digits + 1:,} %"

    def test_is_within_half_a_digit(self):
        generator = random.Random(6)
        for _ in range(20_000):
            part, whole = generator.randint(1, 10**13), generator.randint(1, 10**13)
            exact = Fraction(100 * part, whole)
            shown = Decimal(percent(part, whole).removesuffix(" %").replace(",", ""))
            unit = Fraction(10) ** (shown.adjusted() - 2)
            assert abs(Fraction(shown) - exact) <= unit / 2
            assert (Fraction(shown) / unit).denominator == 1

    @pytest.mark.parametrize(
        ("part", "whole", "text"),
        [
            (1, 1, "100 %"),
            (9995, 10_000, "100 %"),
            (9994, 10_000, "99.9 %"),
            (1, 3, "33.3 %"),
            (1, 2000, "0.0500 %"),
            (12_345, 100, "12,300 %"),
            (99_950, 10_000, "1,000 %"),
            (1005, 1000, "101 %"),
        ],
    )
    def test_by_hand(self, part, whole, text):
        assert percent(part, whole) == text


class TestBadSettings:
    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: CostBench("4a-5×5"), ValueError, "did you mean '4a-5x5'"),
            (lambda: CostBench(in_channels=0), ValueError, "in_channels must be from 1 to 1024, got 0"),
            (lambda: CostBench(grid=113), ValueError, "grid must be from 1 to 112, got 113"),
            (lambda: CostBench(kernel_size=4), ValueError, "kernel_size must be odd, got 4; use 3 or 5"),
            (lambda: CostBench(grid=14.0), TypeError, "grid must be an integer, got 14.0"),
            (lambda: CostBench(kernel=5), TypeError, "no setting 'kernel'; known: in_channels"),
            (lambda: CostBench(biases=1), TypeError, "biases must be True or False, got 1"),
        ],
    )
    def test_bench(self, make, error, message):
        with pytest.raises(error, match=re.escape(message)):
            make()

    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (lambda: choice(key="Pool 1"), ValueError, "key must be lower-case words joined by hyphens"),
            (lambda: choice(question=" "), ValueError, "question must not be empty"),
            (
                lambda: choice(options=[Option("No", True, "So.")]),
                ValueError,
                "options must be from 2 to 26, got 1",
            ),
            (
                lambda: choice(options=[Option("No", True, "So."), Option("Yes", True, "So.")]),
                ValueError,
                "options must have exactly one correct, got 2",
            ),
            (
                lambda: choice(options=[Option("No", True, "So."), Option("No", False, "So.")]),
                ValueError,
                "options must differ",
            ),
            (
                lambda: choice(options=[Option("No", True, "So."), Option("Yes", False, "")]),
                ValueError,
                "options[1].feedback must not be empty",
            ),
            (lambda: number(answer="128"), TypeError, "answer must be a finite int or float, got '128'"),
            (lambda: number(answer=float("nan")), TypeError, "answer must be a finite int or float"),
            (lambda: number(tolerance=-1), ValueError, "tolerance must be at least 0, got -1"),
            (
                lambda: number(relative_tolerance=0.1, mistakes=[Mistake(120_000_000, "Near.")]),
                ValueError,
                "mistakes[0].value 120000000 counts as correct",
            ),
        ],
    )
    def test_questions(self, make, error, message):
        with pytest.raises(error, match=re.escape(message)):
            make()


READ = {
    "1500": 1500,
    "1,500": 1500,
    "1 500": 1500,
    "1_500": 1500,
    "12\u202f345\u00a0678": 12_345_678,
    "  1.5e3 ": 1500,
    "1.5E+3": 1500,
    "1.5×10^3": 1500,
    "1.5 * 10^3": 1500,
    "−2": -2,
    "+2.": 2,
    ".5": 0.5,
    "128 M": 128e6,
    "128M": 128e6,
    "128m": 128e6,
    "128e6": 128e6,
    "128 million": 128e6,
    "128 million MACs": 128e6,
    "128MMACs": 128e6,
    "128 MACs": 128,
    "1 mac": 1,
    "1.1 K": 1100,
    "1.583 G": 1_583_000_000,
    "1.5 bn": 1.5e9,
    "1.5 billion macs": 1.5e9,
}
UNREAD = [
    "",
    "   ",
    "many",
    "about 128 M",
    "1,5",
    "1,500,00",
    "5 flops",
    "12 %",
    "1e9999",
    "1.2.3",
    "--1",
    "M",
    "1/9",
]


class TestNumber:
    @pytest.mark.parametrize("text", READ)
    def test_reads(self, text):
        assert parse_number(text, "MACs") == READ[text]

    @pytest.mark.parametrize("text", UNREAD)
    def test_says_why_not(self, text):
        sentence = parse_number(text, "MACs")
        assert isinstance(sentence, str)
        assert sentence.endswith(".")

    @pytest.mark.parametrize(
        ("text", "unit", "value"),
        [
            ("12 %", "%", 12),
            ("12%", "%", 12),
            ("12 percent", "%", 12),
            ("9.7×", "times", 9.7),
            ("3 s", "s", 3),
        ],
    )
    def test_reads_its_own_unit(self, text, unit, value):
        assert parse_number(text, unit) == value

    def test_a_plain_number_takes_no_unit(self):
        assert "a plain number" in parse_number("3 s", "")

    def test_judges(self):
        asked = number(
            relative_tolerance=0.01,
            mistakes=[Mistake(163_696, "Weights.")],
            hint="Count again.",
            explanation="Yes.",
        )
        assert asked.check("128.05 M") == Feedback("correct", "Yes.")
        assert asked.check(128_000_000) == Feedback("correct", "Yes.")
        assert asked.check("163,696") == Feedback("wrong", "Weights.")
        assert asked.check(7) == Feedback("wrong", "Count again.")
        assert "FLOPs" in asked.check("256 M").message
        assert "power of ten" in asked.check("128").message
        assert "power of ten" in asked.check("128 G").message

    @pytest.mark.parametrize("starter", [None, ..., "", "?", [1], True, float("inf"), object()])
    def test_a_starter_is_no_answer(self, starter):
        assert number().check(starter).verdict == "unclear"

    def test_the_edge_of_a_tolerance_is_inside(self):
        assert number(answer=0.3, tolerance=0.1).check("0.4")
        assert not number(answer=0.3, tolerance=0.1).check("0.4001")

    def test_zero_has_no_powers_of_ten(self):
        assert number(answer=0).state["mistakes"] == []
        assert number(answer=0).check("0")


class TestChoice:
    @pytest.mark.parametrize("response", ["A", "a", " A ", "No"])
    def test_correct(self, response):
        assert choice().check(response) == Feedback("correct", "The channels stay.")

    @pytest.mark.parametrize("response", ["B", "b", "Yes"])
    def test_wrong(self, response):
        assert choice().check(response) == Feedback("wrong", "Look at `N×C×H×W` again.")

    @pytest.mark.parametrize("response", [None, ..., "", "C", "AB", 1])
    def test_unclear(self, response):
        assert choice().check(response).verdict == "unclear"

    def test_feedback_is_true_only_when_correct(self):
        assert [bool(choice().check(response)) for response in ("A", "B", None)] == [True, False, False]

    def test_feedback_shows_code_and_escapes_the_rest(self):
        shown = Feedback("wrong", "Not `a<b`, <i>look</i>.")._repr_html_()
        assert "<code>a&lt;b</code>" in shown
        assert "&lt;i&gt;" in shown


WIDGETS = {"bench": CostBench, "choice": choice, "number": number}


class TestPage:
    @pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
    def test_bundle_has_text_and_no_widget_view(self, make):
        assert set(make()._repr_mimebundle_()) == {"text/html", "text/markdown", "text/plain"}

    def test_the_same_numbers_in_every_form(self):
        bundle = CostBench("v3-7x7")._repr_mimebundle_()
        for row in CostBench("v3-7x7").table().rows:
            assert all(f">{cell}</t" in bundle["text/html"] for cell in row)
            assert "| " + " | ".join(row) + " |" in bundle["text/markdown"]
            assert re.search(r"\s+".join(map(re.escape, row)), bundle["text/plain"])

    @pytest.mark.parametrize("make", [choice, number], ids=["choice", "number"])
    def test_no_form_without_script_gives_the_answer_away(self, make):
        bundle = make()._repr_mimebundle_()
        visible = re.sub(r"<(script|style).*?</\1>", "", bundle["text/html"], flags=re.DOTALL)
        for text in (visible, bundle["text/markdown"], bundle["text/plain"]):
            assert not re.search(r"128|000|The channels stay|true", text)

    def test_state_cannot_end_its_script(self):
        made = choice(question="What does </script><b>x</b> do?").html()
        assert made.count("</script>") == 2
        assert "<b>x" not in made
        state = re.search(r'<script type="application/json">(.*?)</script>', made)[1]
        assert json.loads(state)["question"] == "What does </script><b>x</b> do?"

    def test_equal_widgets_have_different_ids_and_a_rebuild_the_same(self):
        code = (
            "import re; from inception_lessons.widgets import CostBench;"
            "print([re.search('id=\"(.*?)\"', CostBench().html())[1] for _ in range(3)])"
        )
        first, again = (
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        )
        assert first == again
        assert len(set(re.findall(r"il-cost-bench-\w{8}-\d", first))) == 3

    def test_a_page_says_once_what_its_widgets_share(self):
        made = [make().html() for make in (CostBench, choice, HeadBench, LabelSmoothing, CostBench, number)]
        alone = "<p>before</p>" + "<p>between</p>".join(made) + "<p>after</p>"
        page = share(alone)
        for part in ("host.css", *PARTS):
            assert page.count(_page.static_text(part)) == 1
        for module in ("page.mjs", "cost_bench.mjs", "answer_check.mjs", "label_smoothing.mjs"):
            assert page.count(_page.classic(_page.static_text(module))) == 1
        ids = re.findall(r'<div class="il-widget [^>]* id="(.*?)"', alone)
        assert len(set(ids)) == len(made)
        assert re.findall(r'<script>mountWidget\("\w+\.mjs", "(.*?)"\);</script>\n</div>', page) == ids
        code = re.compile(r"<style>.*?</style>|<script( data-module=[^>]*)?>.*?</script>", re.DOTALL)
        assert code.sub("", page).split() == code.sub("", alone).split()
        assert share(page) == page
        assert share("<p>no widget</p>") == "<p>no widget</p>"

    @pytest.mark.parametrize("name", MODULES)
    def test_module_is_small_still_and_alone(self, name):
        source = _page.static_text(name)
        assert len(source.encode()) <= 12_000
        source = source.replace("http://www.w3.org/2000/svg", "")  # the name of SVG's elements, no address
        sends = r"fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|https?:"
        stores = r"localStorage|sessionStorage|cookie|indexedDB"
        assert not re.findall(f"{sends}|{stores}", source)
        assert not re.findall(r"\beval\b|new Function|transition|animation|@keyframes", source)
        if name not in PARTS:
            assert _page.classic(_page.module_text(name)).startswith("(() => {")

    @pytest.mark.parametrize(
        "source",
        [
            "import x from 'x';\nexport default {};\n",
            "const x = await import('x');\nexport default {};\n",
            "export const y = 1;\nexport default {};\n",
            "const y = 1;\n",
            "export default { text: '</SCRIPT>' };\n",
            "export default { text: '<!--' };\n",
        ],
    )
    def test_other_modules_are_refused(self, source):
        with pytest.raises(ValueError, match="source must"):
            _page.classic(source)


class TestLive:
    """The same settings as traits of an anywidget; no browser and no kernel needed."""

    def test_settings_can_be_set_and_observed(self):
        live, seen = CostBench().live(), []
        live.observe(lambda change: seen.append((change["name"], change["new"])), ["in_channels", "biases"])
        live.in_channels, live.biases = 64, True
        assert seen == [("in_channels", 64), ("biases", True)]
        assert live.get_state()["in_channels"] == 64

    def test_what_the_page_sends_arrives(self):
        live = CostBench().live()
        live.set_state({"grid": 28})
        assert live.grid == 28

    def test_settings_are_checked(self):
        live = CostBench().live()
        with pytest.raises(ValueError, match="grid must be from 1 to 112, got 0"):
            live.grid = 0
        with pytest.raises(TypeError, match="response must be the text"):
            choice().live().response = 3

    @pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
    def test_it_carries_the_whole_state_and_the_same_module(self, make):
        widget, live = make(), make().live()
        state = live.get_state()
        assert {name: state[name] for name in widget.state} == widget.state
        assert state["_esm"] == _page.module_text(widget._module)
        assert "text/html" not in (live._repr_mimebundle_() or ({},))[0]


class TestControls:
    """Definitions that cannot be drawn are refused where they are written."""

    @pytest.mark.parametrize(
        ("make", "error", "says"),
        [
            (lambda: Slider("k", "Kernel", 3, 3), ValueError, "slider 'k' has an empty range, 3 to 3"),
            (lambda: Slider("k", "Kernel", 5, 3), ValueError, "empty range, 5 to 3"),
            (lambda: Slider("k", "Kernel", 1, 3, 0), ValueError, "step of slider 'k' must be above 0, got 0"),
            (
                lambda: Slider("k", "Kernel", 1, float("nan")),
                TypeError,
                "high of slider 'k' must be a finite",
            ),
            (
                lambda: Slider("k", "Kernel", float("-inf"), 1),
                TypeError,
                "low of slider 'k' must be a finite",
            ),
            (lambda: Select("way", "Way", {"a": "A"}), ValueError, "options must be at least 2, got 1"),
            (lambda: Text("own", "Own", r"\d+", ("1", "x")), ValueError, r"own must match \\d\+, got 'x'"),
        ],
    )
    def test_a_control_that_offers_nothing(self, make, error, says):
        with pytest.raises(error, match=says):
            make()

    @pytest.mark.parametrize(
        ("settings", "error", "says"),
        [
            ({"k": 12}, ValueError, "preset 'wide': k must be from 1 to 11, got 12"),
            ({"k": 2}, ValueError, "preset 'wide': k must be odd, got 2; use 1 or 3"),
            ({"k": 2.5}, TypeError, "preset 'wide': k must be an integer"),
            ({"kernel": 3}, TypeError, "preset 'wide' sets 'kernel', which is no control; known: k, on"),
            ({"on": 1}, TypeError, "preset 'wide': on must be True or False, got 1"),
        ],
    )
    def test_a_preset_that_its_controls_cannot_show(self, settings, error, says):
        controls = (Slider("k", "Kernel", 1, 11, 2), Toggle("on", "On"))
        with pytest.raises(error, match=says):
            checked_spec(controls, {"wide": Preset("Wide", settings, "none")})

    def test_two_controls_of_one_name(self):
        with pytest.raises(TypeError, match="two controls are named 'on'"):
            checked_spec((Toggle("on", "On"), Toggle("on", "Also on")), {})

    @pytest.mark.parametrize("value", [0.1, 0.30000000000000004, 0.5])
    def test_a_slider_of_fractions_takes_its_own_steps(self, value):
        assert Slider("epsilon", "ε", 0.0, 0.5, 0.01).checked(value) == value

    def test_a_slider_of_fractions_refuses_what_lies_between(self):
        with pytest.raises(ValueError, match=r"epsilon must be 0.0 plus a multiple of 0.01, got 0.105"):
            Slider("epsilon", "ε", 0.0, 0.5, 0.01).checked(0.105)
