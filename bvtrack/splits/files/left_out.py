"""What a folder holds beside the examples that are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from bvtrack.splits.files.tally import Tally


@dataclass
class LeftOut:
    """Files and folders that are not read, by the reason: `hidden`, of `others` kinds, images that are `annotations` of others,
    links to folders that are `read_anyway`, and what is `unreadable`.
    """

    hidden: Tally = field(default_factory=Tally)
    others: Tally = field(default_factory=Tally)
    annotations: Tally = field(default_factory=Tally)
    read_anyway: Tally = field(default_factory=Tally)
    unreadable: Tally = field(default_factory=Tally)

    def __add__(self, other: LeftOut) -> LeftOut:
        return LeftOut(
            hidden=self.hidden + other.hidden,
            others=self.others + other.others,
            annotations=self.annotations + other.annotations,
            read_anyway=self.read_anyway + other.read_anyway,
            unreadable=self.unreadable + other.unreadable,
        )

    @property
    def in_words(self) -> str:
        """Everything but what is unreadable: `1 hidden file or folder (.git) and 2 files of other kinds (a.csv, b.csv)`."""
        kinds = (
            (self.hidden, "hidden file or folder", "hidden files or folders"),
            (self.others, "file of another kind", "files of other kinds"),
            (self.annotations, "image beside the others, as an annotation", "images beside the others, as annotations"),
            (self.read_anyway, "link to a folder that is read anyway", "links to folders that are read anyway"),
        )
        *first, last = [f"{found.n:,} {one if found.n == 1 else more} ({found})" for found, one, more in kinds if found] or [""]
        return f"{', '.join(first)} and {last}" if first else last
