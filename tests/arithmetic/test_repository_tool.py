"""The tool that writes the repository's address everywhere, in a small repository of its own."""

import json

import pytest

from tools import repository as tool

OLD = "https://github.com/OWNER/inception-lessons"
NEW = "https://github.com/ada/lessons.net"


@pytest.fixture
def folder(tmp_path):
    """A small repository with the address in every kind of place that carries it."""
    install = {
        "cell_type": "code",
        "source": [f"%pip install git+{OLD}\n", "# https://github.com/pytorch/vision"],
    }
    texts = {
        "_config.yml": f"repository:\n  url: {OLD}\n  branch: main\nlaunch_buttons:\n  colab_url: https://x.y\n",
        "README.md": f"git clone {OLD}.git\nSee https://github.com/jupyter/notebook too.\n",
        "CONTRIBUTING.md": "[here](https://mybinder.org/v2/gh/OWNER/inception-lessons/main?urlpath=lab)\n",
        "book/index.md": "<https://colab.research.google.com/github/OWNER/inception-lessons/blob/main/x.ipynb>\n",
        "CITATION.cff": f'repository-code: "{OLD}"\n',
        "pyproject.toml": f'[project.urls]\nRepository = "{OLD}"\n',
        "chapters/05_x.ipynb": json.dumps({"cells": [install]}, indent=1),
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("url", [NEW, f"{NEW}/", f"{NEW}.git", "ada/lessons.net"])
def test_one_command_moves_the_address_everywhere(folder, url):
    assert tool.check(folder) == []
    assert len(tool.rewrite(url, folder)) == 7
    assert tool.configured(folder) == NEW
    assert tool.check(folder) == []
    texts = {path.name: path.read_text() for path in (*tool.carriers(folder), folder / "_config.yml")}
    assert len(texts) == 7
    assert not any("OWNER" in text for text in texts.values())
    assert all(text.count("/ada/lessons.net") == 1 for text in texts.values())
    assert "mybinder.org/v2/gh/ada/lessons.net/main?urlpath" in texts["CONTRIBUTING.md"]
    # Other repositories keep their addresses.
    assert "https://github.com/jupyter/notebook too" in texts["README.md"]
    assert "https://github.com/pytorch/vision" in texts["05_x.ipynb"]
    assert tool.rewrite(url, folder) == []
    assert list(folder.rglob("*.part")) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "git clone https://github.com/someone/else\n"),
        ("CONTRIBUTING.md", "[a](https://mybinder.org/v2/gh/someone/else/main)\n"),
        ("book/index.md", "[a](https://colab.research.google.com/github/someone/else/blob/main/a.ipynb)\n"),
        ("CITATION.cff", 'repository-code: "https://github.com/someone/else"\n'),
        ("pyproject.toml", 'Repository = "https://github.com/someone/else"\n'),
        ("chapters/05_x.ipynb", '{"source": ["%pip install git+https://github.com/someone/else"]}\n'),
    ],
)
def test_a_file_that_disagrees_is_named(folder, name, text):
    (folder / name).write_text(text)
    (complaint,) = tool.check(folder)
    assert complaint.startswith(f"{name} says https://github.com/someone/else, ")
    assert f"make repository URL={OLD}" in complaint


@pytest.mark.parametrize(
    "wrong",
    ["lessons", "https://gitlab.com/a/b", "https://github.com/a/b/c", "a b/c", "/b", "a/b; ls"],
)
def test_a_wrong_address_is_refused_and_nothing_is_written(folder, wrong):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="owner/name"):
        tool.rewrite(wrong, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_command_line_names_what_is_wrong(capsys):
    assert tool.main(["not a place"]) == 1
    assert "URL must be https://github.com/owner/name" in capsys.readouterr().err
