"""Every question accepts its own answer and meets every listed mistake; every task refuses nonsense."""

import importlib
import math
import pkgutil

import pytest

from inception_lessons import exercises
from inception_lessons.exercises import googlenet, inception_v3
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task
from inception_lessons.papers import GOOGLENET_MODULES, GOOGLENET_TABLE_1
from inception_lessons.widgets import Choice, Number

MODULES = [
    importlib.import_module(f"{exercises.__name__}.{found.name}")
    for found in pkgutil.iter_modules(exercises.__path__)
    if not found.name.startswith("_")
]
QUESTIONS = [
    value for module in MODULES for value in vars(module).values() if isinstance(value, (Choice, Number))
]
TASKS = [value for module in MODULES for value in vars(module).values() if isinstance(value, Task)]


def test_keys_are_unique():
    keys = [item.key for item in (*QUESTIONS, *TASKS)]
    assert len(keys) == len(set(keys)) and len(QUESTIONS) >= 8 and len(TASKS) >= 5


@pytest.mark.parametrize("number", [q for q in QUESTIONS if isinstance(q, Number)], ids=lambda q: q.key)
def test_a_number_accepts_its_answer_and_tells_mistakes_apart(number):
    assert number.check(number.answer).correct and number.explanation
    messages = [number.check(mistake.value).message for mistake in number.mistakes]
    assert messages == [mistake.feedback for mistake in number.mistakes]
    assert len(set(messages)) == len(messages)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
@pytest.mark.parametrize("answer", [None, ..., "nonsense", lambda *_: None, lambda *_: 1 / 0])
def test_a_task_never_raises_and_never_accepts_nonsense(task, answer):
    feedback = task.check(answer)
    assert not feedback.correct and feedback.message


APART = {"one": [0.90, 0.91, 0.92], "other": [0.80, 0.81, 0.85]}
OVERLAPPING = {"one": [0.90, 0.91, 0.92], "other": [0.80, 0.81, 0.905]}


@pytest.mark.parametrize(
    ("options", "results", "conclusion"),
    [
        ({}, APART, "first"),
        ({}, OVERLAPPING, "not settled"),
        ({"losses": True}, APART, "second"),
        ({"losses": True}, OVERLAPPING, "not settled"),
        ({"names": ("with", "without")}, APART, "with"),
    ],
)
def test_a_study_accepts_only_the_conclusion_that_follows(options, results, conclusion):
    task = study_of_seeds("key", **options)
    for said in (*options.get("names", ("first", "second")), "not settled", "surely"):
        assert task.check((results, said)).correct == (said == conclusion)


def test_answers_worked_out_by_hand():
    """By a road that does not pass through `costs`."""
    assert googlenet.naive_growth.answer == (192 + 64 + 128 + 32) + 128 + 192 + 96
    assert googlenet.macs_4e.answer == 14 * 14 * (
        528 * (256 + 160 + 32 + 128) + 9 * 160 * 320 + 25 * 32 * 128
    )
    assert googlenet.break_even_3a.answer == int(9 * 192 * 128 / (192 + 9 * 128))
    assert round(googlenet.predict_share.answer, 3) == round(100 * 25 * 32 / (64 + 9 * 128 + 25 * 32), 3)
    assert googlenet.predict_factor.answer == 192 * 25 * 32 / (192 * 16 + 16 * 25 * 32)


def test_without_smoothing_no_gap_is_wide_enough_and_a_share_is_a_share():
    assert inception_v3.logit_gap(0, 10) == math.inf and inception_v3.loss_floor(0, 10) == 0
    assert (
        inception_v3.loss_floor(1, 10) == pytest.approx(math.log(10)) and inception_v3.logit_gap(1, 10) == 0
    )
    for epsilon in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"epsilon must be between 0 and 1, got {epsilon}"):
            inception_v3.loss_floor(epsilon, 10)
    with pytest.raises(ValueError, match="classes must be at least 1, got 0"):
        inception_v3.logit_gap(0.1, 0)


def test_the_28_pixel_variant_costs_the_body_and_a_small_stem():
    body = sum(
        (
            googlenet.IN_CHANNELS[key] * (row.conv1 + row.reduce3 + row.reduce5 + row.project)
            + 9 * row.reduce3 * row.conv3
            + 25 * row.reduce5 * row.conv5
        )
        * row.grid**2
        for key, row in GOOGLENET_MODULES.items()
    )
    stem = 28 * 28 * (49 * 64 + 64 * 64 + 9 * 64 * 192)
    assert googlenet.variant_28_macs.answer == stem + body + 1024 * 10


def test_the_unchanged_table_and_widths_are_no_answers():
    assert "does not get through" in googlenet.variant_28.check(GOOGLENET_TABLE_1).message
    assert "half" in googlenet.half_4c.check(GOOGLENET_MODULES["4c"].widths).message


@pytest.mark.parametrize(
    ("first", "second", "conclusion", "correct"),
    [
        ((0.90, 0.91, 0.92), (0.80, 0.81, 0.89), "first", True),
        ((0.90, 0.91, 0.92), (0.80, 0.81, 0.905), "first", False),
        ((0.90, 0.91, 0.92), (0.80, 0.81, 0.905), "not settled", True),
        ((0.80, 0.81, 0.82), (0.83, 0.84, 0.85), "second", True),
        ((0.90, 0.91), (0.80, 0.81, 0.82), "first", False),
        ((0.90, 0.91, 92.0), (0.80, 0.81, 0.82), "first", False),
    ],
)
def test_a_seed_study_is_judged_by_its_ranges(first, second, conclusion, correct):
    assert googlenet.seed_study.check(({"a": first, "b": second}, conclusion)).correct is correct
