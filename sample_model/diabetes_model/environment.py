"""Pins and records what outside the code can change a number: threads, hash seed, libraries."""

import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata

# One thread, because the order of a parallel sum is not fixed; one old kernel of the linear
# algebra library, because it otherwise chooses by CPU and the last digit follows.
PINNED: Mapping[str, str] = {
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Nehalem" if platform.machine() in {"x86_64", "AMD64"} else "ARMV8",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
LIBRARIES = ("numpy", "onnx", "onnxruntime", "pyarrow", "scikit-learn", "scipy", "skops")


def pin() -> None:
    """Starts the process again with the pinned environment, unless it has it already.

    Thread counts and the hash seed are read when the interpreter and the libraries start, so
    setting them later would only look right.
    """
    if any(os.environ.get(name) != value for name, value in PINNED.items()):
        arguments = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **PINNED})


def numeric_environment() -> dict[str, str]:
    """The pinned variables as they are, and SOURCE_DATE_EPOCH if it is set."""
    names = (*PINNED, "SOURCE_DATE_EPOCH")
    return {name: os.environ[name] for name in names if name in os.environ}


def library_versions() -> dict[str, str]:
    """The version of every library that can change a number."""
    return {name: metadata.version(name) for name in LIBRARIES}
