"""How much `pip install bvtrack` brings, with each extra but the frameworks: packages and megabytes. Prints a Markdown table.

Each is installed into a virtual environment of its own, in the versions that CI runs, and counted with pip and with compiled
modules. Needs `PYTHONPATH=tests`, and an index that pip reaches; a minute or two.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from fresh_environment import new_environment

EXTRAS: tuple[tuple[str, ...], ...] = ((), ("report",), ("tables",), ("report", "tables"), ("server",))


def row_of(extras: tuple[str, ...]) -> str:
    """The row of an environment with these extras. Raises `RuntimeError` where pip cannot make it."""
    with TemporaryDirectory() as folder:
        environment = new_environment(Path(folder))
        installed = environment.install(*extras)
        if installed.returncode:
            raise RuntimeError(installed.stderr)
        name = f"bvtrack[{','.join(extras)}]" if extras else "bvtrack"
        return f"| `{name}` | {environment.n_packages()} | {environment.megabytes():.0f} |"


def main() -> None:
    print("| installed | packages | MB |\n|---|---|---|")
    for extras in EXTRAS:
        print(row_of(extras), flush=True)


if __name__ == "__main__":
    main()
