"""What stands on a report's page in the place of its figures, where Matplotlib is not installed."""

from __future__ import annotations

from typing import Any

from bvtrack.extras import FIGURES
from bvtrack.report.content import Content
from bvtrack.report.forecasts import longer_in_words, more_data_rows, tells_of_more_data


def page_tables(content: Content) -> dict[str, Any]:
    """The sentence that says how to get figures, and the numbers that they alone would show."""
    unit, longer = content.diagnosis.unit, longer_in_words(content)
    return {
        "instead": (
            f"This report was written without {FIGURES.name}, so it has tables in place of figures; "
            f"for these, {FIGURES.remedy} and make it again with bvtrack report."
        ),
        "longer": f"The best {unit.error_of('dev')}: {longer}." if longer else "",
        "more_data": list(more_data_rows(content)) if tells_of_more_data(content) else [],
        "more_data_how": content.more_data_how,
        "of_dev": "dev error" if unit.is_error_rate else unit.error_of("dev"),
    }
