"""Reading and writing records."""

import contextlib
import hashlib
import json
import os
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inception_lessons._check import instance, one_of
from inception_lessons.records.definitions import EXPERIMENTS

FOLDER = Path(__file__).parents[1] / "runs"
"""Where the records lie: inside the package, so that a chapter that was downloaded alone has them too."""


class RecordError(RuntimeError):
    """A record is missing, stale or damaged; the message says how to make it again."""


@dataclass(frozen=True)
class Run:
    """One training run."""

    setting: str
    seed: int
    values: Mapping[str, object]
    """What was measured, by name; a run that failed has `failure`, the reason, and may lack the rest."""
    conditions: Mapping[str, object]
    """Date, commit, device, threads, versions."""


@dataclass(frozen=True)
class Record:
    """The runs of one experiment."""

    name: str
    command: str
    definition: Mapping[str, object]
    runs: tuple[Run, ...]

    def of(self, setting: str) -> list[Run]:
        """Return the runs of one setting, by seed.

        Raises:
            ValueError: the record has no such setting; names the nearest.
        """
        one_of("setting", setting, self.definition["settings"])
        return sorted((run for run in self.runs if run.setting == setting), key=lambda run: run.seed)

    def values(self, setting: str, value: str) -> list[float]:
        """Return one measured value of each run of a setting that did not fail, by seed.

        Raises:
            ValueError: the record has no such setting, or its runs no such value; names the nearest.
        """
        runs = [run.values for run in self.of(setting) if "failure" not in run.values]
        return [found[one_of("value", value, found)] for found in runs]

    def median(self, setting: str, value: str) -> float:
        """Return the median of a value over the seeds of a setting."""
        return statistics.median(self.values(setting, value))

    def spread(self, setting: str, value: str) -> tuple[float, float]:
        """Return the lowest and the highest value over the seeds of a setting."""
        found = self.values(setting, value)
        return min(found), max(found)

    def conditions_line(self) -> str:
        """Return in one line what a reader has to know: command, seeds, device, versions, dates, commits."""
        around = [run.conditions for run in self.runs]

        def each(key: str) -> str:
            return ", ".join(sorted({str(one[key]) for one in around if key in one}))

        return (
            f"{self.command}: seeds 0 to {max(run.seed for run in self.runs)}; {each('device')}, "
            f"threads: {each('threads')}, torch {each('torch')}; {each('date')}, commit {each('commit')}"
        )

    def failures(self, setting: str) -> int:
        """Return how many runs of a setting failed."""
        return sum("failure" in run.values for run in self.of(setting))


def as_json(value: object) -> object:
    """Return `value` as it comes back from JSON: tuples as lists, keys as text."""
    return json.loads(json.dumps(value))


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write(record: Record, path: Path) -> None:
    """Write a record to `path`, whole or not at all: to a temporary name first, which is then renamed."""
    content = {
        "name": record.name,
        "command": record.command,
        "definition": as_json(record.definition),
        "runs": [
            {"setting": run.setting, "seed": run.seed, "values": run.values, "conditions": run.conditions}
            for run in record.runs
        ],
    }
    content = as_json(content)
    text = json.dumps(content | {"sha256": _checksum(content)}, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove_unfinished(path: Path) -> None:
    """Remove what a process left beside `path` that was killed while it wrote there."""
    for left in path.parent.glob(f".{path.name}-*"):
        left.unlink(missing_ok=True)


def read(path: Path) -> Record:
    """Return the record at `path`.

    Raises:
        RecordError: there is none, it is no record, or it was changed after it was written.
        TypeError: `path` is no `pathlib.Path`.
    """
    name = instance("path", path, Path).stem.removesuffix(".partial")
    again = f"make it again: python -m inception_lessons.experiments {name}"
    remedy = f"restore it, or remove it and {again}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        checksum = content.pop("sha256")
        runs = tuple(Run(r["setting"], r["seed"], r["values"], r["conditions"]) for r in content["runs"])
        record = Record(content["name"], content["command"], content["definition"], runs)
    except FileNotFoundError:
        raise RecordError(f"the record {path} does not exist; {again}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{path} is not a record ({error!r}); {remedy}") from None
    if checksum != _checksum(content):
        raise RecordError(f"{path} was changed after it was recorded; {remedy}")
    return record


def load(name: str) -> Record:
    """Return the record of the experiment `name`, made from the definition that stands today, whole.

    Raises:
        ValueError: no experiment has this name.
        RecordError: the record is missing, edited, incomplete or made from another definition.
    """
    experiment = EXPERIMENTS[one_of("name", name, EXPERIMENTS)]
    record = read(FOLDER / f"{name}.json")
    again = f"run python -m inception_lessons.experiments {name}"
    if record.definition != as_json(experiment.definition()):
        raise RecordError(f"the record {name!r} is stale: its experiment is defined differently now; {again}")
    expected = {(setting, seed) for setting in experiment.settings for seed in range(experiment.seeds)}
    missing = expected - {(run.setting, run.seed) for run in record.runs}
    if missing:
        raise RecordError(f"the record {name!r} lacks {len(missing)} of its {len(expected)} runs; {again}")
    return record
