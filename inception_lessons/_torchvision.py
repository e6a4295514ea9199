"""One road to torchvision, also where its compiled operators cannot load.

torchvision's Linux wheel is linked against CUDA. Beside a CPU-only torch its compiled operators do not load,
and `import torchvision` stops at "operator torchvision::nms does not exist": it registers shape rules for
`nms` and `qnms` and finds neither. Declaring the two, without an implementation, lets the import finish. Data
sets, transforms, models and weights then work; only the detection operators are missing, and torchvision says
so when one is called.

Where the real operators load, nothing is declared.
"""

import importlib
import sys
from types import ModuleType

import torch

_MISSING = "operator torchvision::nms does not exist"
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []  # a declaration lasts as long as its Library object


def import_torchvision() -> ModuleType:
    """Import torchvision, declaring its two missing operators if the plain import fails for want of them.

    Raises:
        ImportError: torchvision is not installed, or fails for another reason than the missing operators.
    """
    try:
        return importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise ImportError("torchvision is missing: `pip install torchvision`", name="torchvision") from error
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise ImportError(f"torchvision does not import: {error}", name="torchvision") from error
    _forget_half_import()
    _declare_operators()
    return importlib.import_module("torchvision")


def _forget_half_import() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(operator + _SIGNATURE)
    _declared.append(library)
