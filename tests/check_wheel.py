"""Build the wheel, install it without extras into an environment of its own, and import it there, outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
CHECK = """
import bvtrack, sys
assert "site-packages" in bvtrack.__file__, bvtrack.__file__
assert bvtrack.diagnose(train_error=0.01, dev_error=0.11).tag == "high_variance"
loaded = {"torch", "lightning", "keras", "mlflow", "numpy"} & sys.modules.keys()
assert not loaded, loaded
import bvtrack_lightning.factory
assert bvtrack_lightning.factory.callbacks() == []
import bvtrack_demo
assert bvtrack_demo.missing_packages() == ["lightning", "torch", "keras", "sklearn"]
from bvtrack_server import render_map
assert "<title>Digits</title>" in render_map([], title="Digits", tracking_uri=None)
for package in ("bvtrack_lightning", "bvtrack_keras"):
    try:
        from importlib import import_module
        import_module(package).BiasVarianceCallback
    except ModuleNotFoundError as error:
        assert 'pip install "bvtrack[' in str(error), error
    else:
        raise AssertionError(f"{package} works without its extra")
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command, without the caller's Python path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(part) for part in command], cwd=cwd, env=environment, check=True)


def main() -> None:
    """Raise where a step fails."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", place / "dist", CHECKOUT, cwd=place)
        (wheel,) = (place / "dist").glob("*.whl")
        venv.create(place / "venv", with_pip=True)
        scripts = place / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        run(scripts / "python", "-m", "pip", "install", "--quiet", "-c", CHECKOUT / "constraints.txt", wheel, cwd=place)
        run(scripts / "python", "-W", "error", "-c", CHECK, cwd=place)
        run(scripts / "bvtrack", "diagnose", "--train", "0.01", "--dev", "0.11", cwd=place)
    print("the wheel installs and imports without extras")


if __name__ == "__main__":
    main()
