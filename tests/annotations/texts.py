"""Files of annotations for the tests, written by hand."""

import pandas as pd

COLUMNS = ["path", "start", "end", "label"]


def table(*rows, **others):
    """Return events, by default of one recording."""
    return pd.DataFrame(list(rows or EVENTS), columns=COLUMNS).assign(**others)


def rows(events, *columns):
    """Return the events as tuples."""
    return list(events[list(columns or COLUMNS)].itertuples(index=False, name=None))


EVENTS = (
    ("site/a.wav", 0.1, 0.3, "dog"),
    ("site/a.wav", 1 / 3, 2.4, 'cät "x"'),
    ("site/a.wav", 2.5, 2.5, "click"),
    ("site/a.wav", 2.7, 3.0, "007"),
)
