"""Sphinx extension: docstrings may hold a fenced example, as they do for readers in a notebook.

Sphinx reads docstrings as reStructuredText, where a fence of three backticks is a syntax error. It becomes
a code block.
"""

import re

FENCE = re.compile(r"^(\s*)```\s*(\w*)\s*$")


def fences_to_blocks(lines: list[str]) -> list[str]:
    """The lines of a docstring with every Markdown fence written as a reStructuredText code block."""
    result: list[str] = []
    indent = None
    for line in lines:
        fence = FENCE.match(line)
        if fence and indent is None:
            indent = fence.group(1)
            result += ["", f"{indent}.. code-block:: {fence.group(2) or 'python'}", ""]
        elif fence:
            indent = None
            result.append("")
        else:
            result.append(f"    {line}" if indent is not None and line.strip() else line)
    return result


def rewrite(app, what, name, obj, options, lines):
    """Called by autodoc for each docstring; changes the lines in place."""
    lines[:] = fences_to_blocks(lines)


def setup(app):
    app.connect("autodoc-process-docstring", rewrite, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
