"""Write all that is known of a store's runs as `vtax export --columns all` does."""

from collections.abc import Sequence
from pathlib import Path

from harness.prometheus.openmetrics import write_openmetrics
from harness.results.export import all_columns, write_table
from harness.results.run_result import Sample
from harness.results.store import Store


def export(store: Store, form: str, findings: Sequence[Sample] = ()) -> Path:
    path = store.directory / f"runs.{form}"
    if form == "openmetrics":
        write_openmetrics(store, path, findings)
    else:
        write_table(all_columns(store), path, form)
    return path
