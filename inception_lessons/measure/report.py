"""A count as rows, as text and as a table in a notebook."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from inception_lessons._check import one_of, positive
from inception_lessons.measure.tracing import CannotMeasureError
from inception_lessons.tables import Table

Shape = tuple[int, ...] | tuple[tuple[int, ...], ...]


class Row(NamedTuple):
    """What one module does itself; the modules inside it have rows of their own.

    In a folded report, a row at the fold stands for the module with everything inside it.
    """

    name: str
    """The module's path, such as `inception3a.branch2.0`; empty for the whole module's own `forward`."""
    type: str
    input_shape: Shape | None
    """Of the first call; of several tensors, a tuple of shapes. None if the module was not called."""
    output_shape: Shape | None
    parameters: int
    """A tensor shared by several modules counts in the first of them."""
    macs: int | None
    """Of all calls. None where an operator could not be counted."""
    activations: int
    """Numbers in every tensor that the operators write anew; views and changes in place write none."""
    calls: int


class Uncounted(NamedTuple):
    """An operator whose MACs are not known."""

    name: str
    """Path of the module that called it."""
    operator: str
    calls: int


class UncountedError(CannotMeasureError):
    """A total was asked for, but an operator in it could not be counted."""


@dataclass(frozen=True)
class Report:
    """Parameters, MACs and activations of a module, one row for each part; the rows sum to the totals.

    A report shows itself as a table in a notebook, and `print` writes the same as text.
    `report["inception3a"]` is the row of one module with everything inside it.
    """

    modules: tuple[Row, ...]
    """Every module, those that do nothing themselves too, in the order of their first call."""
    trainable: int
    """Parameters that require a gradient."""
    uncounted: tuple[Uncounted, ...]
    """Operators that `measure` knows no MACs for. While there is one, `macs` raises."""
    counted_macs: int
    """MACs of the operators that could be counted; less than all of them if `uncounted` is not empty."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The modules that hold parameters or call operators themselves, and those without modules inside."""
        inner = {row.name.rpartition(".")[0] for row in self.modules if row.name}
        return tuple(row for row in self.modules if _does_something(row) or row.name not in inner)

    @property
    def parameters(self) -> int:
        """Parameters, each tensor counted once."""
        return sum(row.parameters for row in self.modules)

    @property
    def activations(self) -> int:
        """Numbers in all the tensors that the forward pass writes anew."""
        return sum(row.activations for row in self.modules)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the forward pass.

        Raises:
            UncountedError: an operator could not be counted; the message names it and its module.
        """
        if self.uncounted:
            raise UncountedError(
                f"MACs are at least {self.counted_macs:,}, but not all are known: {self._uncounted_text()}. "
                "Give measure a formula for each, formulas={operator: function}, or read counted_macs, "
                "which is a lower bound"
            )
        return self.counted_macs

    def fold(self, depth: int) -> "Report":
        """Return the report with every module deeper than `depth` counted into its ancestor at that depth.

        Depth 1 gives the direct children of the whole module. The totals stay the same.
        """
        depth = positive("depth", depth)
        groups: dict[str, list[Row]] = {}
        for row in self.modules:
            groups.setdefault(".".join(row.name.split(".")[:depth]), []).append(row)
        return replace(self, modules=tuple(_folded(name, rows) for name, rows in groups.items()))

    def table(self, depth: int | None = None) -> Table:
        """Return the report as a table, folded at `depth` if it is given."""
        report = self if depth is None else self.fold(depth)
        caption = "Cost of each layer"
        if self.uncounted:
            caption += f". Not counted: {self._uncounted_text()}"
        macs = f"≥ {self.counted_macs:,}" if self.uncounted else self.counted_macs
        total = ("Total", "", "", "", self.parameters, macs, self.activations)
        return Table(caption, _HEADINGS, map(_cells, report.rows), "ll" + "r" * 5, footer=total)

    def __getitem__(self, name: str) -> Row:
        """Return the row of the module at a path, with everything inside it.

        Raises:
            ValueError: no module has this path; names the nearest.
        """
        one_of("module", name, [row.name for row in self.modules])
        prefix = name + "." if name else ""
        return _folded(name, [row for row in self.modules if row.name == name or row.name.startswith(prefix)])

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def _uncounted_text(self) -> str:
        return ", ".join(f"{u.operator} in {_shown(u.name)} ({_times(u.calls)})" for u in self.uncounted)


# -- rows ---------------------------------------------------------------------------------------------------


def _does_something(row: Row) -> bool:
    return row.macs is None or bool(row.parameters or row.macs or row.activations)


def _folded(name: str, rows: list[Row]) -> Row:
    """Return one row for a module, the first of `rows`, and those inside it."""
    own = next((row for row in rows if row.name == name), rows[0])
    unknown = any(row.macs is None for row in rows)
    return own._replace(
        name=name,
        parameters=sum(row.parameters for row in rows),
        macs=None if unknown else sum(row.macs for row in rows),
        activations=sum(row.activations for row in rows),
        calls=own.calls or max(row.calls for row in rows),
    )


# -- text ----------------------------------------------------------------------------------------

_HEADINGS = ("Layer", "Type", "Input", "Output", "Parameters", "MACs", "Activations")


def _cells(row: Row) -> tuple[object, ...]:
    times = f" ×{row.calls}" if row.calls > 1 else ""
    return (
        _shown(row.name),
        row.type + times,
        _shape_text(row.input_shape) if row.calls else "not called",
        _shape_text(row.output_shape),
        row.parameters,
        "unknown" if row.macs is None else row.macs,
        row.activations,
    )


def _shown(name: str) -> str:
    return name or "(own forward)"


def _times(calls: int) -> str:
    return "once" if calls == 1 else f"{calls} times"


def _shape_text(shape: Shape | None) -> str:
    if shape is None:
        return "–"
    if shape and isinstance(shape[0], tuple):
        return ", ".join(map(_shape_text, shape))
    return "×".join(map(str, shape)) or "scalar"
