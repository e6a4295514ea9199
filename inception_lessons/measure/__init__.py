"""What a torch module costs: counted layer by layer, timed, and followed back to the pixels it sees.

* `measure`: parameters, MACs and activations of every part, on shapes alone.
* `receptive_field`: the patch of input that one output position sees.
* `peak_memory`: bytes alive at the worst moment of a forward pass.
* `time_module`, `compare_times`: seconds of a forward pass, of one module or of several, interleaved.

`costs` reaches the same numbers by arithmetic; the tests hold the two together.
"""

from inception_lessons.measure.counting import measure
from inception_lessons.measure.fields import ReceptiveField, receptive_field
from inception_lessons.measure.memory import peak_memory
from inception_lessons.measure.report import Report, Row, Uncounted, UncountedError
from inception_lessons.measure.timing import Timing, compare_times, time_module
from inception_lessons.measure.tracing import CannotMeasureError

__all__ = [
    "CannotMeasureError",
    "ReceptiveField",
    "Report",
    "Row",
    "Timing",
    "Uncounted",
    "UncountedError",
    "compare_times",
    "measure",
    "peak_memory",
    "receptive_field",
    "time_module",
]
