"""The values of all tags that have a list of them, and the codes of findings, which `bvtrack.split` has, too.

The site explains each of them (test_site.py), and semantic versioning covers them (public_api.py).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import get_args

from pages import ROOT

from bvtrack import Tracker
from bvtrack.commands.fail_on import KNOWN
from bvtrack.curves.curve import CURVES
from bvtrack.diagnosis.diagnosis import STATES_WITHOUT_GAPS
from bvtrack.diagnosis.explanation import SET_NAMES
from bvtrack.diagnosis.step_rules import STEP_RULES
from bvtrack.journal.records import State
from bvtrack.schema import names, tags
from bvtrack.splits.comparing.distribution_tag import WORDS
from bvtrack.splits.finding_codes import FindingCode

SCHEMA = json.loads((ROOT / "docs" / "show.schema.json").read_text(encoding="utf-8"))["properties"]


def values_of_tags() -> Mapping[str, Sequence[str]]:
    """By tag; several problems of a diagnosis have a `+` between them."""
    of_diagnosis = [name for name in KNOWN if name not in CURVES or name in STATES_WITHOUT_GAPS]
    sources = re.findall(r"['\"](\w+)['\"]", Tracker.__init__.__annotations__["source"])
    return {
        tags.DIAGNOSIS.name: [*of_diagnosis, tags.PENDING],
        tags.NEXT_STEP.name: [*STEP_RULES, tags.PENDING],
        tags.CERTAINTY.name: [*SCHEMA["verdict"]["properties"]["certainty"]["enum"], tags.PENDING],
        tags.SPLIT.name: [names.OK, names.UNCHECKED],
        tags.CURVE.name: CURVES,
        tags.STATE.name: [state for part in get_args(State) for state in get_args(part)],
        tags.SOURCE.name: [*sources, tags.AUDIT, tags.OF_GROUP],
        tags.BASELINE.name: SCHEMA["evidence"]["properties"]["baseline"]["properties"]["source"]["enum"],
        tags.DISTRIBUTION.name: [*WORDS, "leak", names.UNCHECKED],
    }


def finding_codes() -> Sequence[str]:
    """The codes of all findings, with the sets that each can be about, in the order in which a training sees them."""
    sets = ("train", "dev", "test")
    of_one = {FindingCode.TOO_SMALL: sets[1:], FindingCode.TOO_LARGE: sets[1:]}
    found = []
    for code in FindingCode:
        pairs = itertools.combinations(SET_NAMES if code == FindingCode.REPEATS else sets, 2)
        named = [{"earlier": earlier, "later": later} for earlier, later in pairs]
        found += [code.of(split=split, **pair) for split in of_one.get(code, sets) for pair in named]
    return list(dict.fromkeys(found))
