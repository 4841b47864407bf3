"""The tags that users see, as they are written and read."""

from __future__ import annotations

from collections.abc import Mapping

Tags = Mapping[str, str | None]
"""A tag that is `None` is one to remove."""
