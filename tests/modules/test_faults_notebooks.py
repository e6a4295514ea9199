"""The beginning of a real chapter, a figure, instruments and training, on the poorest of machines: nothing
may be written, the folder has an odd name, there is no home, no UTF-8, no font, one thread, 2 GB.

The memory is bounded by RLIMIT_DATA, which counts what a process writes to: RLIMIT_AS counts torch's mapped
libraries too.
"""

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import nbformat
import pytest
from packaging.version import Version

GIB = 1 << 30
MEMORY = 2 * GIB
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
LAST_OF_CHAPTER = 'HeadBench("vgg16")'
"""The last cell that is taken from the chapter."""

LESSON = (
    'train, test = data.fashion_mnist("train").subset(96), data.fashion_mnist("test").subset(50)',
    'lesson = get_model("nin_lesson")\nhistory = fit(lesson, train, test, steps=3, batch_size=32, seed=0)',
    'plots.training_curves({"three steps": history})',
    'CostBench().live()\nrecords.growing_table("NiN")',
)

SEEN = """
import json, locale, os, resource, sys
from pathlib import Path
import inception_lessons
from matplotlib import font_manager

def refused(attempt):
    try:
        attempt()
    except (OSError, RuntimeError, MemoryError) as error:
        return type(error).__name__

package = Path(inception_lessons.__file__).parent
print(json.dumps({
    "package": str(package),
    "write into the package": refused(lambda: (package / "runs" / "new").touch()),
    "write into the folder": refused(lambda: Path("new").touch()),
    "write at home": refused(lambda: (Path.home() / "new").touch() if "HOME" in os.environ else None),
    "home": os.environ.get("HOME"),
    "folder": os.fsencode(os.getcwd()).decode("utf-8"),
    "encoding": locale.getpreferredencoding(),
    "threads": torch.get_num_threads(),
    "processors": len(os.sched_getaffinity(0)),
    "3 GiB": refused(lambda: torch.ones(3 << 28)),
    "peak": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    "fonts": sorted({str(Path(font.fname).parent) for font in font_manager.fontManager.ttflist}),
}))
"""

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def reduced(root: Path) -> nbformat.NotebookNode:
    """The chapter up to its first instrument, then a short lesson, then what it sees of its machine."""
    notebook = nbformat.read(root / "chapters" / "04_nin.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    end = [cell.source for cell in code].index(LAST_OF_CHAPTER) + 1
    own = [nbformat.v4.new_code_cell(source) for source in (*LESSON, SEEN)]
    return nbformat.v4.new_notebook(cells=code[:end] + own, metadata=notebook.metadata)


def poor_machine() -> None:
    """Take what a poor machine lacks from this process: root's rights, all but 2 GB and one processor."""
    libc = ctypes.CDLL(None, use_errno=True)
    for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0)  # refused where this is not root, who alone has them
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def state(folder: Path) -> dict[str, int]:
    """Every file below, with the time of its last change."""
    return {str(path): path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def read_only(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


@pytest.fixture
def machine(tmp_path, root):
    """Folders that may not be written: the package, the notebook's, the home; and one for temporary files."""
    names = {"package": "package", "folder": "Übung 漢字 mit Leerzeichen", "home": "home", "open": "open"}
    folders = {key: tmp_path / name for key, name in names.items()}
    shutil.copytree(
        root / "inception_lessons",
        folders["package"] / "inception_lessons",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for key in ("folder", "home", "open"):
        folders[key].mkdir()
    nbformat.write(reduced(root), folders["folder"] / "Kapitel é.ipynb")
    closed = [folders[key] for key in ("package", "folder", "home")]
    for folder in closed:
        read_only(folder)
    yield folders
    for folder in closed:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux", reason="processors, memory and rights are taken away as Linux does it"
)
@pytest.mark.parametrize("home", ["home", None], ids=["a home that may not be written", "no home"])
def test_a_chapter_runs_on_the_poorest_machine_and_leaves_nothing(machine, home):
    writable = machine["open"]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(machine["package"]),
        "TMPDIR": str(writable),
        "JUPYTER_RUNTIME_DIR": str(writable / "runtime"),  # of the Jupyter that runs it, not of the chapter
        "IPYTHONDIR": str(writable / "ipython"),
        "MPLCONFIGDIR": str(writable / "matplotlib"),
        "MPL_IGNORE_SYSTEM_FONTS": "1",
        "OMP_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
        "INCEPTION_LESSONS_STRICT": "1",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        **({"HOME": str(machine[home])} if home else {}),
    }
    closed = {key: state(machine[key]) for key in ("package", "folder", "home")}
    result = writable / "executed.ipynb"
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, "Kapitel é.ipynb", str(result)],
        cwd=machine["folder"], env=environ, preexec_fn=poor_machine, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    assert {key: state(machine[key]) for key in closed} == closed

    *lesson, last = nbformat.read(result, as_version=4).cells
    seen = json.loads(last.outputs[0].text)
    assert GIB / 10 < seen.pop("peak") < MEMORY
    fonts = [str(Path(matplotlib.get_data_path()) / "fonts" / "ttf")]
    if Version(matplotlib.__version__) < Version("3.11"):  # it does not overlook the system's fonts
        fonts = seen["fonts"]
    assert seen == {
        "package": str(machine["package"] / "inception_lessons"),
        "write into the package": "PermissionError",
        "write into the folder": "PermissionError",
        "write at home": "PermissionError" if home else None,
        "home": environ.get("HOME"),
        "folder": str(machine["folder"]),
        "encoding": "ANSI_X3.4-1968",
        "threads": 1,
        "processors": 1,
        "3 GiB": "RuntimeError",
        "fonts": fonts,
    }
    outputs = [output for cell in lesson for output in cell.outputs]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    shown = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    assert shown.count("<svg") >= 2 and "5×5, 96 → 192" in shown, "figures, with letters beyond ASCII"
    assert shown.count('type="application/json"') >= 3, "instruments and questions"
    assert "1998" in shown and "NiN, 2013" in shown, "a table from the records"


def test_the_reduced_chapter_has_what_it_should(root):
    """So that a chapter that changes does not empty the test above."""
    sources = [cell.source for cell in reduced(root).cells]
    assert len(sources) >= 15 and any(
        "import inception_lessons" in s or "from inception_lessons" in s for s in sources
    )
    assert any(source.startswith("exercises.predict") for source in sources)
    assert any("plots.bars" in source for source in sources) and LAST_OF_CHAPTER in sources
