"""What Jupyter Book's cache holds of executed notebooks: read back before it is used, and dropped where it is
damaged.

The cache notes an execution in its index first and writes the notebook after. A build that is killed between
the two leaves a cache with which every later build would stop. And it trusts what it reads: an output that a
bad disk changed would go into the page.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.cache.db import DB_NAME, NbCacheRecord
from jupyter_cache.cache.main import JupyterCacheBase


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each executed notebook in the cache, by its key."""
    return {
        path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("executed/*/base.ipynb")
    }


def mend(folder: Path, sealed: Mapping[str, str]) -> list[str]:
    """Removes from the cache what is damaged or half-written; returns a sentence for each.

    `sealed` has the digests after the last build that ended. What came later was written by a build that was
    killed: it must be a whole notebook with the code that its key stands for.
    """
    if not folder.exists():
        return []
    if not index_is_sound(folder / DB_NAME):
        shutil.rmtree(folder)
        return ["the index of the executed notebooks is damaged: every notebook executes"]
    cache, found, said, kept = get_cache(folder), digests(folder), [], set()
    for record in cache.list_cache_records():
        key = record.hashkey
        if key in found and (sealed[key] == found[key] if key in sealed else is_whole(cache, key)):
            kept.add(key)
        else:
            NbCacheRecord.remove_record(record.pk, cache.db)
            said.append(f"what was kept of {Path(record.uri).name} is damaged: it executes again")
    for path in folder.glob("executed/*"):
        if path.name not in kept:
            shutil.rmtree(path)
    return said


def index_is_sound(path: Path) -> bool:
    """Whether the cache's index is a database that can be read and has its table."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("PRAGMA quick_check").fetchall()
            connection.execute(f"SELECT * FROM {NbCacheRecord.__tablename__}").fetchall()
    except sqlite3.DatabaseError:
        return False
    return rows == [("ok",)]


def is_whole(cache: JupyterCacheBase, key: str) -> bool:
    """Whether the file of this key is a notebook with the code that the key was made of."""
    path = cache.path / "executed" / key / "base.ipynb"
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        return cache.create_hashed_notebook(notebook)[1] == key
    except (ValueError, AttributeError, KeyError, TypeError):
        return False
