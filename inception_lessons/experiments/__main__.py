"""The command that records an experiment."""

import argparse
import sys
from pathlib import Path

from inception_lessons import records
from inception_lessons._check import one_of
from inception_lessons.data import DataError, fashion_mnist
from inception_lessons.experiments.running import run_experiment
from inception_lessons.records.files import FOLDER
from inception_lessons.tables import Table


def summary(record: records.Record) -> Table:
    """Return one row for each setting: top-1 over the seeds, seconds, failures."""
    rows = []
    for setting in record.definition["settings"]:
        if record.failures(setting) == len(record.of(setting)):
            rows.append((setting, "–", "–", "–", "–", record.failures(setting)))
            continue
        low, high = record.spread(setting, "top1")
        middle, seconds = record.median(setting, "top1"), record.median(setting, "seconds")
        rows.append(
            (
                setting,
                f"{low:.4f}",
                f"{middle:.4f}",
                f"{high:.4f}",
                f"{seconds:.1f}",
                record.failures(setting),
            )
        )
    return Table(record.name, ("setting", "lowest", "median", "highest", "seconds", "failures"), rows)


def main(arguments: list[str] | None = None) -> int:
    """Record one experiment; returns 0 when its record is whole."""
    parser = argparse.ArgumentParser(prog="python -m inception_lessons.experiments", description=__doc__)
    parser.add_argument("name", nargs="?", help="the experiment; without a name all are listed")
    parser.add_argument(
        "--originals",
        default="download",
        help="folder with the whole of Fashion-MNIST, or 'download' (default), where an experiment needs it",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where to write (default: {FOLDER})")
    chosen = parser.parse_args(arguments)
    if chosen.name is None:
        for name, experiment in records.EXPERIMENTS.items():
            count = experiment.seeds * len(experiment.settings)
            print(f"{name}: {experiment.question} ({count} runs)")
        return 0
    try:
        experiment = records.EXPERIMENTS[one_of("name", chosen.name, records.EXPERIMENTS)]
        source = chosen.originals if experiment.source == "original" else experiment.source
        train, test = (fashion_mnist(split, source) for split in ("train", "test"))
        command = f"python -m inception_lessons.experiments {chosen.name}"
        print(
            summary(
                run_experiment(chosen.name, experiment, chosen.folder, train, test, command=command)
            ).text()
        )
    except (ValueError, DataError, records.RecordError) as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the finished runs are kept, and the same command goes on from them", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
