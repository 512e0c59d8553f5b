"""The ontology of AudioSet: a hierarchy of sound classes, and their restrictions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sklearn_audio._paths import local_path

_KEYS = ("id", "name", "child_ids", "restrictions")


class AudioSetOntology:
    """Hierarchy of sound classes; a class may have several parents.

    All methods accept the id or the name of a class.

    Parameters
    ----------
    records : iterable of mapping
        One per class: ``id``, ``name``, ``child_ids`` (list of ids) and ``restrictions`` (list of str, such as
        ``"abstract"`` and ``"blacklist"``).

    Attributes
    ----------
    names : dict of str to str
        The name of each id, in the order of the records.

    Raises
    ------
    ValueError
        If a record lacks a key, an id occurs twice, a child has no record, or there is a cycle.

    See Also
    --------
    read_audioset_ontology : From the published ``ontology.json``.

    References
    ----------
    J. F. Gemmeke et al., "Audio Set: an ontology and human-labeled dataset for audio events", ICASSP 2017.

    Examples
    --------
    >>> from sklearn_audio.datasets import AudioSetOntology
    >>> ontology = AudioSetOntology(
    ...     [
    ...         {
    ...             "id": "/m/0jbk",
    ...             "name": "Animal",
    ...             "child_ids": ["/m/0bt9lr"],
    ...             "restrictions": [],
    ...         },
    ...         {
    ...             "id": "/m/0bt9lr",
    ...             "name": "Dog",
    ...             "child_ids": [],
    ...             "restrictions": [],
    ...         },
    ...     ]
    ... )
    >>> ontology.ancestors("Dog")
    ('/m/0jbk',)
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.names: dict[str, str] = {}
        self._children: dict[str, tuple[str, ...]] = {}
        self._restrictions: dict[str, tuple[str, ...]] = {}
        for row, record in enumerate(records):
            self._add(row, record)
        self._parents = self._invert()
        self._by_name: dict[str, list[str]] = {}
        for label, name in self.names.items():
            self._by_name.setdefault(name, []).append(label)
        for label in self.names:
            if label in self.descendants(label):
                raise ValueError(f"the class {label!r} of the ontology lies below itself.")

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, label: object) -> bool:
        return label in self.names or label in self._by_name

    def __repr__(self) -> str:
        return f"AudioSetOntology({len(self)} classes)"

    def find(self, label: str) -> str:
        """Return the id of a class.

        Parameters
        ----------
        label : str
            Its id or its name.

        Returns
        -------
        str
            Its id.

        Raises
        ------
        ValueError
            If there is no such class, or several of that name.
        """
        if label in self.names:
            return label
        found = self._by_name.get(label, [])
        if len(found) != 1:
            several = f"{len(found)} classes of the ontology are called {label!r}: {', '.join(found)}; pass the id."
            raise ValueError(several if found else f"the ontology has no class {label!r}.")
        return found[0]

    def children(self, label: str) -> tuple[str, ...]:
        """Return the children of a class.

        Parameters
        ----------
        label : str
            Id or name of a class.

        Returns
        -------
        tuple of str
            Their ids.
        """
        return self._children[self.find(label)]

    def parents(self, label: str) -> tuple[str, ...]:
        """Return the parents of a class.

        Parameters
        ----------
        label : str
            Id or name of a class.

        Returns
        -------
        tuple of str
            Their ids; none for a root.
        """
        return self._parents[self.find(label)]

    def descendants(self, label: str) -> tuple[str, ...]:
        """Return all descendants of a class.

        Parameters
        ----------
        label : str
            Id or name of a class.

        Returns
        -------
        tuple of str
            Their ids, each once, nearest first.
        """
        return _reach(self.find(label), self._children)

    def ancestors(self, label: str) -> tuple[str, ...]:
        """Return all ancestors of a class.

        Parameters
        ----------
        label : str
            Id or name of a class.

        Returns
        -------
        tuple of str
            Their ids, each once, nearest first.
        """
        return _reach(self.find(label), self._parents)

    def restrictions(self, label: str) -> tuple[str, ...]:
        """Return the restrictions of a class.

        Parameters
        ----------
        label : str
            Id or name of a class.

        Returns
        -------
        tuple of str
            ``"abstract"``: only groups other classes; ``"blacklist"``: raters could not recognise it.
        """
        return self._restrictions[self.find(label)]

    def unrestricted(self) -> tuple[str, ...]:
        """Return the classes without restrictions.

        These are not the labels of AudioSet, as no segment carries some of them: see `read_audioset_labels`.

        Returns
        -------
        tuple of str
            Their ids, in the order of the records.
        """
        return tuple(label for label, restrictions in self._restrictions.items() if not restrictions)

    def roots(self) -> tuple[str, ...]:
        """Return the classes without a parent.

        Returns
        -------
        tuple of str
            Their ids, in the order of the records.
        """
        return tuple(label for label, parents in self._parents.items() if not parents)

    def _add(self, row: int, record: Mapping[str, Any]) -> None:
        lacking = [key for key in _KEYS if key not in record]
        if lacking:
            raise ValueError(f"record {row} of the ontology has no {lacking[0]!r}; expected {', '.join(_KEYS)}.")
        label = record["id"]
        if label in self.names:
            raise ValueError(f"record {row} of the ontology has the id {label!r} of an earlier one.")
        self.names[label] = record["name"]
        self._children[label] = tuple(record["child_ids"])
        self._restrictions[label] = tuple(record["restrictions"])

    def _invert(self) -> dict[str, tuple[str, ...]]:
        parents: dict[str, tuple[str, ...]] = dict.fromkeys(self.names, ())
        for label, children in self._children.items():
            for child in children:
                if child not in parents:
                    raise ValueError(f"the child {child!r} of {label!r} has no record in the ontology.")
                parents[child] += (label,)
        return parents


def _reach(label: str, steps: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return all reachable labels; `label` itself only if there is a cycle."""
    found: dict[str, None] = {}
    waiting = list(steps[label])
    for step in waiting:  # grows during iteration
        if step not in found:
            found[step] = None
            waiting.extend(steps[step])
    return tuple(found)


def read_audioset_ontology(path: str | os.PathLike[str]) -> AudioSetOntology:
    """Read the published ontology of AudioSet, ``ontology.json``.

    Parameters
    ----------
    path : str or path-like
        The JSON file.

    Returns
    -------
    AudioSetOntology
        The hierarchy.

    Raises
    ------
    ValueError
        If the file is missing, is not JSON, or is not a list of classes.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import read_audioset_ontology
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "ontology.json")
    ...     record = {
    ...         "id": "/m/09x0r",
    ...         "name": "Speech",
    ...         "child_ids": [],
    ...         "restrictions": [],
    ...     }
    ...     _ = file.write_text(json.dumps([record]))
    ...     ontology = read_audioset_ontology(file)
    >>> ontology.names
    {'/m/09x0r': 'Speech'}
    """
    file = Path(local_path(path))
    if not file.is_file():
        raise ValueError(f"the ontology {str(file)!r} does not exist.")
    try:
        records = json.loads(file.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{str(file)!r} is not JSON: {error}.") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError(f"{str(file)!r} is not an ontology: expected a list of classes.")
    return AudioSetOntology(records)
