"""The words for ids in tags, taken from `bvtrack` and written to `page/words.js`, so that the page says what the library says.

`python -m bvtrack_server.words` rewrites the file after a change of the steps or of the findings of a split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from bvtrack import ModelFacts
from bvtrack.adapters import set_words, split_fault_words, step_titles
from bvtrack_server.document import PAGE

FILE = PAGE / "words.js"
_HEAD = "/** The ids in tags, in words: written by `python -m bvtrack_server.words`. */\n"


def words_module() -> str:
    """The content of `page/words.js`: maps, since objects have keys of their own."""
    faults = {code: fault._asdict() for code, fault in split_fault_words().items()}
    titles = step_titles()
    trees, estimators = (
        {step: title for step, title in step_titles(model).items() if title != titles[step]}
        for model in (ModelFacts(kind="trees"), ModelFacts(family="estimator"))
    )
    maps = {
        "SPLIT_FAULTS": faults,
        "STEP_TITLES": titles,
        "STEP_TITLES_OF_TREES": trees,
        "STEP_TITLES_OF_ESTIMATORS": estimators,
        "SET_WORDS": set_words(),
    }
    return "\n".join([_HEAD, *(_map(name, content) for name, content in maps.items())])


def _map(name: str, content: Mapping[str, object]) -> str:
    lines = (f"  {json.dumps([key, value])},\n" for key, value in content.items())
    return f"export const {name} = new Map([\n{''.join(lines)}]);\n"


if __name__ == "__main__":
    FILE.write_text(words_module(), encoding="utf-8")
