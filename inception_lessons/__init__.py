"""Runnable PyTorch for the textbook on the Inception lineage, from LeNet to Inception v3 and after.

Importing the package costs milliseconds: neither torch nor matplotlib is loaded until a module that needs it
is imported.

* `papers`: every table a paper prints, verbatim. `costs`: parameters, MACs and sizes by arithmetic. Standard
library only.
* `models`, `weights`, `measure`, `data`, `training`: the torch side.
* `plots`, `widgets`, `exercises`: figures, instruments and questions, without torch.
"""

__version__ = "0.1.0"
