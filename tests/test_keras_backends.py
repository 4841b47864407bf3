"""The tests of the Keras adapter on the other backends: one is chosen when Keras is imported, so each has a process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BACKENDS = ("jax", "tensorflow")
FILES = ("test_keras_untouched.py", "test_keras_ways.py", "test_keras_errors.py")


SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",  # small models take longer to compile than to train
}


@pytest.fixture(scope="module")
def sessions() -> Iterator[Mapping[str, subprocess.Popen[str]]]:
    """The tests of each backend that is installed, side by side."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(HERE / name) for name in FILES)]
    started = {
        backend: subprocess.Popen(
            command, env=os.environ | SETTINGS | {"KERAS_BACKEND": backend}, cwd=HERE.parent, stdout=subprocess.PIPE, text=True
        )
        for backend in BACKENDS
        if importlib.util.find_spec(backend) is not None
    }
    yield started
    for session in started.values():
        session.kill()
        session.wait()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_callback_does_on_each_backend_what_it_does_on_torch(
    sessions: Mapping[str, subprocess.Popen[str]], backend: str
) -> None:
    if backend not in sessions:
        pytest.skip(f"{backend} is not installed: pip install -c constraints.txt -e '.[backends]'")
    output, _ = sessions[backend].communicate()

    assert sessions[backend].returncode == 0, output[-5000:]
