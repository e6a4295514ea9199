"""Safety, by ruff's rules and a list of what is banned: nothing that came from outside is run or unpickled,
no archive is unpacked by the names in it, no shell is given a line made of strings.

What happens when such a file does come is tested in `tests/modules/test_data.py` and `test_weights.py`.
"""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

RULES = "S102,S202,S301,S302,S307,S602,S604,S605,S609,TID251"
BANNED = (
    "tarfile", "zipfile", "shutil.unpack_archive", "pickle", "shelve", "marshal", "runpy",
    "subprocess.getoutput", "subprocess.getstatusoutput",
    "torchvision.datasets.utils", "torch.load", "torch.hub", "torch.utils.model_zoo",
)  # fmt: skip
SHIPPED = ("inception_lessons", "tools", "book", "benchmarks", "chapters")


def findings(*paths: Path, cwd: Path) -> set[tuple[Path, int, str]]:
    """What ruff finds of `RULES` and of `BANNED`: file, line, rule."""
    banned = "".join(f'"{name}".msg = "banned"\n' for name in BANNED)
    settings = cwd / "safety.toml"
    settings.write_text(f"[lint.flake8-tidy-imports.banned-api]\n{banned}")
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--ignore-noqa"]
    options = ["--config", settings, "--select", RULES, "--output-format", "json"]
    done = subprocess.run([*command, *options, *paths], capture_output=True, text=True, cwd=cwd)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    return {(Path(one["filename"]), one["location"]["row"], one["code"]) for one in found}


def test_nothing_that_is_shipped_runs_unpickles_unpacks_or_asks_a_shell(root, tmp_path):
    found = findings(*(root / name for name in SHIPPED), cwd=tmp_path)
    lines = {(path, path.read_text(encoding="utf-8").splitlines()[row - 1].strip()) for path, row, _ in found}
    assert lines == {
        (
            root / "inception_lessons" / "weights.py",
            'content = torch.load(path, map_location="cpu", weights_only=True)',
        )
    }


DANGEROUS = {
    "exec(text)": "S102",
    "eval(text)": "S307",
    "import pickle": "TID251",
    "import numpy as np\nimport pickle as p\np.load(text)": "S301",
    "import marshal\nmarshal.loads(text)": "S302",
    "import torch\ntorch.load(text, weights_only=False)": "TID251",
    "import torch\ntorch.hub.load_state_dict_from_url(text)": "TID251",
    "import tarfile\ntarfile.open(text).extractall()": "S202",
    "import zipfile\nzipfile.ZipFile(text).extractall()": "TID251",
    "import shutil\nshutil.unpack_archive(text)": "TID251",
    "from torchvision.datasets.utils import extract_archive": "TID251",
    "import os\nos.system(f'ls {text}')": "S605",
    "import os\nos.popen('ls ' + text)": "S605",
    "import subprocess\nsubprocess.run(f'ls {text}', shell=True)": "S602",
    "import subprocess\nsubprocess.getoutput('ls ' + text)": "TID251",
}


def test_each_danger_would_be_found_in_modules_and_in_notebooks(tmp_path):
    expected = set()
    for number, (code, rule) in enumerate(DANGEROUS.items()):
        source = f"text = input()\n{code}  # noqa\n"
        module, notebook = (tmp_path / f"dangerous{number}.{kind}" for kind in ("py", "ipynb"))
        module.write_text(source)
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), notebook)
        expected |= {(module, rule), (notebook, rule)}
    assert expected <= {(path, rule) for path, _, rule in findings(tmp_path, cwd=tmp_path)}


def shell_lines(source: str) -> list[str]:
    """The lines of a cell that IPython hands to a shell or to pip."""
    lines = [line.strip() for line in source.splitlines()]
    return [line for line in lines if line.startswith(("!", "%", "%%")) or " = !" in line]


def test_the_only_command_in_a_chapter_is_the_fixed_one_that_installs_the_package(root):
    chapters = sorted((root / "chapters").glob("*.ipynb"))
    found = {
        (path.name, line)
        for path in chapters
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for line in shell_lines(cell.source)
    }
    assert {name for name, _ in found} == {path.name for path in chapters}
    commands = {line for _, line in found}
    assert len(commands) == 1
    (command,) = commands
    assert command.startswith("%pip install") and not set("{$`;|&") & set(command)


@pytest.mark.parametrize("line", ["!ls", "  !wget x", "%%bash", "%sx ls", "files = !ls", "%run it.py"])
def test_other_commands_would_be_found(line):
    assert shell_lines(f"x = 1 % 2\n{line}\n") == [line.strip()]
