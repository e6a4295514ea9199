"""Whether torch's compiler has what it needs on this machine."""

import importlib.util
import os
import shutil
import sys

import torch

_CPP_COMPILERS = {"win32": "cl", "darwin": "clang++"}


def missing_for(device: torch.device) -> str:
    """Return what torch's compiler lacks for this kind of device; empty if nothing seems to.

    Only a look: a program that is there may still not work.
    """
    if device.type == "cpu":
        name = os.environ.get("CXX") or _CPP_COMPILERS.get(sys.platform, "g++")
        return "" if shutil.which(name) else f"a C++ compiler: {name!r} is not found; install it or set CXX"
    if device.type == "cuda":
        return "" if importlib.util.find_spec("triton") else "Triton: `pip install triton`"
    return f"support for the device {device.type!r}"
