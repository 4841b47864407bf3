"""Configurations and their repeats, as runs that are logged within seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from logged_runs import LoggedRun

from bvtrack.diagnosis.repeats import Baseline, Repeat, judge_repeats
from bvtrack.schema.tags import RunFacts, tags_of

N_DEV = 5000


@dataclass
class LoggedConfiguration:
    """A configuration's name and the train and the dev error of each of its seeds, as fractions; all have these params."""

    name: str
    errors: Sequence[tuple[float, float]]
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    experiment: int = 0

    def runs(self) -> list[LoggedRun]:
        """The parent, and then its repeats."""
        parent = LoggedRun(self.name, {}, experiment=self.experiment)
        children = [
            LoggedRun(
                f"{self.name}, seed {seed}",
                {"train_error": train, "dev_error": dev, "n_train": 10 * N_DEV, "n_dev": N_DEV},
                {**self.params, "seed": str(seed)},
                {"mlflow.parentRunId": parent.id, "bvtrack.group": self.name},
                self.experiment,
            )
            for seed, (train, dev) in enumerate(self.errors)
        ]
        parent.tags = {**self._tags(children), **self.tags}
        return [parent, *children]

    def _tags(self, children: Sequence[LoggedRun]) -> dict[str, str]:
        repeats = [
            Repeat(
                child.id,
                child.name,
                child.all_tags()["bvtrack.diagnosis"],
                {"train": train, "dev": dev},
                {"train": 10 * N_DEV, "dev": N_DEV},
                seed=str(seed),
            )
            for seed, (child, (train, dev)) in enumerate(zip(children, self.errors, strict=True))
        ]
        repeated = judge_repeats(repeats, Baseline())
        facts = RunFacts(verdict=repeated.verdict, source="group", baseline="zero", repeated=repeated, split="unchecked")
        return {name: value for name, value in tags_of(facts, "repeats").items() if value is not None}
