"""Records: whole or absent, and refused when they are missing, edited, stale or incomplete."""

import json
import os

import pytest

from inception_lessons import papers, records
from inception_lessons.records import Experiment, Record, RecordError, Run, Setting

TOY = Experiment(
    "Which is larger?", {"small": Setting("a"), "large": Setting("b", {"width": 2})}, 3, {"steps": 1}
)
VALUES = {"small": (0.25, 0.75, 0.5), "large": (0.5, 1.0, 0.75)}


def record(experiment=TOY, name="toy"):
    runs = [
        Run(setting, seed, {"top1": VALUES[setting][seed]}, {"device": "cpu"})
        for seed in range(3)
        for setting in experiment.settings
    ]
    return Record(name, "python -m toy", experiment.definition(), tuple(runs))


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of records and a list of experiments with the toy one."""
    monkeypatch.setattr(records.files, "FOLDER", tmp_path)
    monkeypatch.setitem(records.EXPERIMENTS, "toy", TOY)
    records.write(record(), tmp_path / "toy.json")
    return tmp_path


def test_what_was_written_is_read_and_summed_up(shelf):
    loaded = records.load("toy")
    assert loaded.values("small", "top1") == [0.25, 0.75, 0.5]
    assert (loaded.median("large", "top1"), loaded.spread("large", "top1")) == (0.75, (0.5, 1.0))
    assert loaded.failures("small") == 0 and loaded.command == "python -m toy"
    assert [path.name for path in shelf.iterdir()] == ["toy.json"]


def test_a_failed_run_counts_as_a_failure_and_not_as_a_value(shelf):
    runs = (Run("small", 0, {"failure": "diverged"}, {}), *record().runs[1:])
    records.write(Record("toy", "", TOY.definition(), runs), shelf / "toy.json")
    loaded = records.load("toy")
    assert loaded.failures("small") == 1 and loaded.values("small", "top1") == [0.75, 0.5]


def test_a_number_changed_by_hand_is_noticed(shelf):
    path = shelf / "toy.json"
    path.write_text(path.read_text().replace("0.25", "0.99"))
    with pytest.raises(RecordError, match="was changed after it was recorded.*experiments toy"):
        records.load("toy")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sha256": 1}', "null"])
def test_a_file_that_is_no_record_is_named(shelf, text):
    (shelf / "toy.json").write_text(text)
    with pytest.raises(RecordError, match="toy.json is not a record"):
        records.load("toy")


def test_a_missing_record_says_how_to_make_it(shelf):
    (shelf / "toy.json").unlink()
    with pytest.raises(RecordError, match="does not exist; make it again: python -m .*experiments toy"):
        records.load("toy")


def test_a_record_of_another_definition_is_stale(shelf, monkeypatch):
    changed = Experiment(TOY.question, TOY.settings, TOY.seeds, {"steps": 2})
    monkeypatch.setitem(records.EXPERIMENTS, "toy", changed)
    with pytest.raises(RecordError, match="stale"):
        records.load("toy")


def test_a_record_that_lacks_runs_is_refused(shelf):
    records.write(Record("toy", "", TOY.definition(), record().runs[:4]), shelf / "toy.json")
    with pytest.raises(RecordError, match="lacks 2 of its 6 runs"):
        records.load("toy")


def test_unknown_names_are_refused_with_the_nearest(shelf):
    with pytest.raises(ValueError, match="did you mean 'toy'"):
        records.load("toyy")
    with pytest.raises(ValueError, match="did you mean 'small'"):
        records.load("toy").values("smal", "top1")


def test_a_write_that_fails_leaves_the_old_record(shelf, monkeypatch):
    before = (shelf / "toy.json").read_text()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        records.write(record(), shelf / "toy.json")
    assert (shelf / "toy.json").read_text() == before
    assert [path.name for path in shelf.iterdir()] == ["toy.json"]


@pytest.mark.parametrize("name", records.EXPERIMENTS)
def test_every_experiment_of_the_book_is_recorded_whole(name):
    loaded = records.load(name)
    assert json.loads(json.dumps(loaded.definition)) == loaded.definition
    assert all({"date", "commit", "device", "torch"} <= set(run.conditions) for run in loaded.runs)


def test_gradients_are_recorded_for_each_stage_and_heads_reach_back_only():
    loaded = records.load("auxiliary_gradients")
    updates = loaded.definition["recipe"]["gradients_at"]
    assert updates == [0, 1, 2, 4, 8, 16, 32, 64, 128]
    for run in loaded.runs:
        sizes = run.values["gradients"]
        assert list(sizes) == ["conv1", *papers.GOOGLENET_MODULES]
        assert all(len(row) == len(updates) and min(row) > 0 for row in sizes.values())
    for norm in ("no norm", "batch norm"):
        bare, headed = loaded.of(f"no heads, {norm}"), loaded.of(f"heads, {norm}")
        for without, given in zip(bare, headed, strict=True):
            for key, row in given.values["gradients"].items():
                same = row[0] == pytest.approx(without.values["gradients"][key][0], rel=1e-3)
                assert same == (key in ("4e", "5a", "5b")), "at the start the heads reach 4d and below"
    assert (records.files.FOLDER / "auxiliary_gradients.json").stat().st_size < 40_000


def test_the_table_grows_by_one_network_a_chapter_and_reads_the_record():
    values = {"parameters": 7, "macs": 2_000_000, "milliseconds": 3.4, "images_per_second": 1000.4}
    runs = [
        Run(
            name,
            seed,
            values | {"top1": 0.8 + seed / 10, "seconds": 50.0 + seed},
            {"device": "cpu", "threads": 2},
        )
        for name in records.LINEAGE
        for seed in range(2)
    ]
    made = Record("lesson_networks", "", {"settings": dict.fromkeys(records.LINEAGE)}, tuple(runs))
    first = records.growing_table("LeNet", made)
    assert first.rows == (
        ("LeNet, 1998", "0.06 M", "0.3 M", "0.01 M", "7", "2.00 M", "3", "1,000", "80.0% to 90.0%"),
    )
    assert "on a shared CPU: 50 to 51 s), 2 seeds" in first.caption
    whole = records.growing_table("Inception v3", made)
    assert [row[0].rpartition(",")[0] for row in whole.rows] == list(records.LINEAGE)
    assert whole.rows[2][1:3] == ("138.36 M", "15,470.3 M") and whole.rows[-1][1] == "23.83 M"
    with pytest.raises(ValueError, match="did you mean 'GoogLeNet'"):
        records.growing_table("GoogleNet", made)


def test_the_lineage_and_the_experiment_name_the_same_networks():
    assert list(records.LINEAGE) == list(records.EXPERIMENTS["lesson_networks"].settings)


def test_the_conditions_of_all_runs_stand_in_one_line():
    around = {"device": "cpu", "threads": 2, "torch": "2.13.0", "date": "2026-11-22"}
    runs = [Run("small", seed, {}, around | {"commit": f"c{seed % 2}"}) for seed in range(3)]
    line = Record("toy", "python -m toy", TOY.definition(), tuple(runs)).conditions_line()
    assert line == "python -m toy: seeds 0 to 2; cpu, threads: 2, torch 2.13.0; 2026-11-22, commit c0, c1"
