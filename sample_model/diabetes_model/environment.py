"""Pins and records what outside the code can change a number: threads, hash seed, libraries."""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

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
# Not pinned, but they change numbers where they are set.
OTHERS = ("MKL_CBWR", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "OMP_DYNAMIC")
LIBRARIES = (
    "fairlearn",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
)
UNKNOWN = "unknown"


def pin() -> None:
    """Starts the process again with the pinned environment, unless it has it already.

    Thread counts and the hash seed are read when the interpreter and the libraries start, so
    setting them later would only look right.
    """
    if any(os.environ.get(name) != value for name, value in PINNED.items()):
        arguments = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **PINNED})


def numeric_environment() -> dict[str, str]:
    """The variables that can change a number, as they are."""
    return {name: os.environ[name] for name in (*PINNED, *OTHERS) if name in os.environ}


def library_versions() -> dict[str, str]:
    """The version of every library that can change a number."""
    return {name: metadata.version(name) for name in LIBRARIES}


def machine() -> dict[str, str]:
    """Facts that were not chosen; they must not change a number, and are reported in case they do."""
    import numpy as np  # noqa: PLC0415 - the process may start again before it needs this
    from threadpoolctl import threadpool_info  # noqa: PLC0415 - comes with scikit-learn

    found = np.show_config(mode="dicts")
    features = found.get("SIMD Extensions", {}).get("found", [])
    kernels = sorted(
        {
            f"{pool['internal_api']} {pool['version']} {pool['architecture']}"
            for pool in threadpool_info()
            if pool["user_api"] == "blas"
        }
    )
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "cpuFeatures": " ".join(features) or UNKNOWN,
        "linearAlgebra": ", ".join(kernels) or UNKNOWN,
    }


def lock_sha256() -> str:
    """The hash of the file that locks the libraries: ``LOCK_FILE``, else the one beside the package."""
    beside = Path(__file__).resolve().parents[1]
    asked = os.environ.get("LOCK_FILE")
    known = [Path(asked)] if asked else [beside / "requirements/train.txt", beside / "uv.lock"]
    for path in known:
        if path.is_file():
            return hashlib.sha256(path.read_bytes()).hexdigest()
    return UNKNOWN
