"""Sphinx extension: cells tagged `solution` fold, and say what they hold.

myst-nb has one prompt for every folded cell. A solution needs its own, so that nobody opens it by mistake.
"""

from docutils import nodes


def name_prompts(app, doctree):
    """Folds every cell with the tag `solution` and gives it the prompt 'Show the solution'."""
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and "tag_solution" in cell["classes"]:
            cell.setdefault("hide_mode", "all")
            cell["prompt_show"] = "Show the solution"
            cell["prompt_hide"] = "Hide the solution"


def setup(app):
    app.connect("doctree-read", name_prompts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
