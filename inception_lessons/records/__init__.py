"""Recorded experiments: what was run, where, and what came out, one JSON file each.

The book's texts, tables and figures read records and never numbers typed by hand. A record knows the
definition it was made from and a checksum of itself: `load` refuses one that is missing, stale or edited. To
make one: `python -m inception_lessons.experiments NAME`.
"""

from inception_lessons.records.definitions import EXPERIMENTS, Experiment, Setting
from inception_lessons.records.files import Record, RecordError, Run, load, read, write
from inception_lessons.records.imagenet import ImageNetResult, imagenet_results
from inception_lessons.records.lineage import LINEAGE, growing_table

__all__ = [
    "EXPERIMENTS",
    "LINEAGE",
    "Experiment",
    "ImageNetResult",
    "Record",
    "RecordError",
    "Run",
    "Setting",
    "growing_table",
    "imagenet_results",
    "load",
    "read",
    "write",
]
