"""Build sdist and wheel, show that they can be reproduced, and use the wheel without extras, outside the checkout.

`python tests/check_wheel.py` is a part of `make test`; with a folder it puts there what it has built and checked, as
`make dist` does for a release.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
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


def build(source: Path, outdir: Path) -> dict[str, str]:
    """Builds both of this source, as a release does; their SHA-256 by file name."""
    run(sys.executable, "-m", "build", "--outdir", outdir, source, cwd=outdir.parent)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(outdir.iterdir())}


def main(keep_in: Path | None = None) -> None:
    """Raise where a step fails; put what was built into `keep_in`."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        built = build(CHECKOUT, place / "dist")
        (sdist,), (wheel,) = (place / "dist").glob("*.tar.gz"), (place / "dist").glob("*.whl")
        with tarfile.open(sdist) as archive:
            archive.extractall(place / "unpacked", filter="data")
        again = build(place / "unpacked" / sdist.name.removesuffix(".tar.gz"), place / "again")
        if again != built:
            raise AssertionError(f"built once more of the sdist it is another: {built} and {again}")
        run(sys.executable, "-m", "twine", "check", "--strict", *again, cwd=place / "dist")
        venv.create(place / "venv", with_pip=True)
        scripts = place / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        run(scripts / "python", "-m", "pip", "install", "--quiet", "-c", CHECKOUT / "constraints.txt", wheel, cwd=place)
        run(scripts / "python", "-W", "error", "-c", CHECK, cwd=place)
        run(scripts / "bvtrack", "diagnose", "--train", "0.01", "--dev", "0.11", cwd=place)
        if keep_in is not None:
            shutil.copytree(place / "dist", keep_in, dirs_exist_ok=True)
    print(
        "the same twice, from the checkout and from the sdist:",
        *(f"{digest}  {name}" for name, digest in built.items()),
        sep="\n",
    )
    print("the wheel installs and imports without extras")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else None)
