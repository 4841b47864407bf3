"""Two-sample tests of a model's outputs on dev and test, which show shifts that matter to the model.

Outputs reveal shifts that no single column shows (Lipton et al. 2018, "Detecting and correcting for label shift with
black box predictors"; Rabanser et al. 2019, "Failing loudly", in which they found the most).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bvtrack.splits.comparing.shift import ShiftReport, compare_sets
from bvtrack.splits.finding import Finding, Level
from bvtrack.splits.finding_codes import FindingCode
from bvtrack.splits.sampling.allowance import MOST_READ

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELD_OUT = ("dev", "test")
MOST_BYTES = 64 * 2**20
"""Maximum memory for the outputs kept of one set, 64 MiB; larger ones are not compared."""


class OutputSample:
    """A systematic sample of a model's outputs on one set of `n` examples, batch by batch, 10,000 at most."""

    def __init__(self, n: int | None = None) -> None:
        """If `n` is unknown, all outputs are kept, up to `MOST_BYTES`."""
        self._step = -(-n // MOST_READ) if n else 1
        self._n_seen = 0
        self._n_bytes = 0
        self._parts: list[NDArray[Any]] = []

    def add(self, outputs: Any) -> None:
        """Add the outputs of a batch, an array `[n_batch, ...]`."""
        import numpy as np

        some = np.array(outputs[-self._n_seen % self._step :: self._step])
        self._n_seen += len(outputs)
        self._n_bytes += some.nbytes
        if self._n_bytes <= MOST_BYTES:
            self._parts.append(some)
        else:
            self._parts.clear()

    @property
    def rows(self) -> NDArray[Any] | None:
        """The outputs `[n_kept, ...]`; `None` if there are none, or if they took too much memory."""
        import numpy as np

        return np.concatenate(self._parts) if self._parts else None


def held_out(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of one model on dev and test, by set; empty if either is `None` or missing.

    >>> held_out({"train": [1], "dev": [2], "test": None})
    {}
    """
    found = {name: outputs[name] for name in HELD_OUT if outputs.get(name) is not None}
    return found if len(found) == len(HELD_OUT) else {}


def compare_outputs(*, dev: Any, test: Any) -> ShiftReport:
    """Compare the distributions of a model's outputs `[n_examples, ...]` on dev and on test.

    Raises `ValueError` as `compare_splits` does.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> compare_outputs(dev=rng.normal(size=(2000, 3)), test=rng.normal(0.3, 1, size=(2000, 3))).findings[0].code
    'outputs_differ'
    """
    report = compare_sets({"dev": {"output": dev}, "test": {"output": test}}, leaks=False)
    return replace(report, findings=tuple(_findings(report)))


def _findings(report: ShiftReport) -> Iterator[Finding]:
    for finding in report.findings:
        if finding.code == FindingCode.DIFFERS.of(earlier="dev", later="test"):
            level: Level = "warning" if finding.level == "error" else "note"
            yield FindingCode.OUTPUTS_DIFFER.finding(level, difference=finding.message)
