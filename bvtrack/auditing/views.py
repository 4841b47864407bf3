"""The saved views of the experiments that an audit has looked at."""

from __future__ import annotations

from collections.abc import Callable

from bvtrack.log import WarnOnce
from bvtrack.schema.names import view_page
from bvtrack.schema.saved_view import NAME
from bvtrack.store.mlflow_errors import short_cause
from bvtrack.store.reader import Store
from bvtrack.tracking_uri.address import page_on


class Views:
    """Writes and removes the views of one store's experiments. What it refuses is said once, and stops nothing."""

    def __init__(self, *, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self._warnings = WarnOnce()
        self.pages: list[str] = []
        """Addresses of the views that are there; of a store without a server, links within MLflow's UI."""

    def keep(self, store: Store, experiment_id: str) -> None:
        """Give an experiment with a diagnosed run its view."""
        if self._is_wanted and self._has_done(store.keep_view, experiment_id, store.tracking_uri):
            self.pages.append(page_in(store.tracking_uri, experiment_id))

    def take_away(self, store: Store, experiment_id: str) -> None:
        """Remove an experiment's view, unless a diagnosed run is left."""
        if self._is_wanted:
            self._has_done(store.remove_view, experiment_id, store.tracking_uri)

    def _has_done(self, task: Callable[[str], bool], experiment_id: str, uri: str) -> bool:
        try:
            return task(experiment_id)
        except Exception as error:  # whatever a server, or a proxy before it, makes of experiment tags
            words = f"MLflow refuses the saved view {NAME!r} ({short_cause(error, uri)}); all the rest is written"
            self._warnings.once(words, once_for="view")
            return False


def page_in(uri: str, experiment_id: str) -> str:
    """The address of an experiment's view on its server, without credentials; without a server, the link within MLflow's UI."""
    page = view_page(experiment_id)
    return page_on(uri, page) or page
