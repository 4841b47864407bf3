"""What one pass over the images of a folder found beside their pixels, and the findings of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bvtrack.splits.files.image_layout import ImageLayout
from bvtrack.splits.files.tally import Tally
from bvtrack.splits.finding import Finding
from bvtrack.splits.finding_codes import FindingCode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class ImagePass:
    """The digests of the images that were read, with their `places` among the files, and the names of those that were not, or
    that have oddities.
    """

    digests: list[NDArray[np.uint64]] = field(default_factory=list)
    places: array[int] = field(default_factory=lambda: array("q"))
    unreadable: Tally = field(default_factory=Tally)
    odd: dict[FindingCode, Tally] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """How many images were read."""
        return sum(map(len, self.digests))

    def findings(self, split: str, layout: ImageLayout) -> Iterator[Finding]:
        """What was left out, and what was read in another way than a loader may, in the set of this name."""
        left_out, unreadable = layout.left_out, layout.left_out.unreadable + self.unreadable
        if unreadable:
            code = FindingCode.HAS_UNREADABLE_FILES
            yield code.finding(split=split, n=unreadable.n, total=unreadable.n + self.n, names=unreadable)
        if layout.empty:
            yield FindingCode.HAS_EMPTY_CLASSES.finding(split=split, n=layout.empty.n, names=layout.empty)
        if layout.within:
            has_classes = layout.classes is not None
            yield FindingCode.READ_WITHIN.finding(split=split, folder=layout.within, classes=has_classes, none=not has_classes)
        if layout.in_only_class and layout.classes:
            yield FindingCode.HAS_ONE_CLASS.finding(split=split, folder=layout.classes[0], names=layout.in_only_class)
        if left_out.in_words:
            yield FindingCode.HAS_OTHER_FILES.finding(split=split, files=left_out.in_words)
        for code, found in self.odd.items():
            yield code.finding(split=split, n=found.n, total=self.n, names=found)
