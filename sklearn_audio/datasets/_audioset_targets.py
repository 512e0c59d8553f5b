"""Indicator matrices of AudioSet's labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sklearn_audio.datasets._audioset_ontology import AudioSetOntology
from sklearn_audio.datasets._audioset_tables import read_audioset_labels


def audioset_targets(
    label_lists: Iterable[Sequence[str]],
    *,
    labels: Sequence[str] | None = None,
    class_labels: Mapping[str, str] | None = None,
    ontology: AudioSetOntology | None = None,
    sparse: bool = False,
) -> NDArray[np.int8] | csr_array:
    """Make the indicator matrix of multi-label clips.

    Parameters
    ----------
    label_lists : iterable of sequence of str
        The ids of the labels of each clip, as in the column ``labels`` of `read_audioset_segments`.
    labels : sequence of str, default=None
        The columns, by id or name. Other labels are ignored, so a clip may have none. None: all of `class_labels`, in
        their order.
    class_labels : mapping of str to str, default=None
        The name of every label, by id. None: the 527 labels of AudioSet.
    ontology : AudioSetOntology, default=None
        If given, a clip also carries every ancestor of its labels that is a column: a dog is an animal.
    sparse : bool, default=False
        Whether to return a sparse matrix; two million clips of 527 labels take 1 GB otherwise.

    Returns
    -------
    ndarray or csr_array of int8 {0, 1}, shape (n_clips, n_labels)
        1 for each label of a clip.

    Raises
    ------
    ValueError
        If a clip carries a label that is neither in `class_labels` nor in `ontology`, or if one of `labels` is unknown,
        occurs twice, or can never be positive because neither it nor a descendant is a class label.

    See Also
    --------
    load_audioset : Targets together with the audio files.

    Examples
    --------
    >>> from sklearn_audio.datasets import audioset_targets
    >>> audioset_targets(
    ...     [["/m/0bt9lr"], ["/m/09x0r", "/m/0bt9lr"]], labels=["Speech", "Dog"]
    ... ).tolist()
    [[0, 1], [1, 1]]
    """
    known = read_audioset_labels() if class_labels is None else dict(class_labels)
    columns = find_columns(labels, known, ontology)
    matrix = label_matrix(label_lists, columns, known, ontology)
    return matrix if sparse else matrix.toarray()


def find_columns(
    labels: Sequence[str] | None, class_labels: Mapping[str, str], ontology: AudioSetOntology | None
) -> list[str]:
    """Return the ids of the columns; raise for those that no clip can have."""
    if labels is None:
        return list(class_labels)
    if isinstance(labels, str):
        raise ValueError(f"labels={labels!r} is one text; pass a sequence of labels.")
    columns = [_find(label, class_labels, ontology) for label in labels]
    twice = [label for i, label in enumerate(columns) if label in columns[:i]]
    if twice:
        raise ValueError(f"labels= holds {twice[0]!r} twice.")
    if not columns:
        raise ValueError("labels= is empty; pass at least one label, or None for all.")
    _check_possible(columns, class_labels, ontology)
    return columns


def _find(label: str, class_labels: Mapping[str, str], ontology: AudioSetOntology | None) -> str:
    if label in class_labels:
        return label
    ids = [known for known, name in class_labels.items() if name == label]
    if len(ids) == 1:
        return ids[0]
    if ontology is not None and label in ontology:
        return ontology.find(label)
    several = f"is the name of {len(ids)} labels, {', '.join(ids)}; pass the id"
    raise ValueError(f"the label {label!r} {several if ids else 'is not among the class labels'}.")


def _check_possible(columns: Sequence[str], class_labels: Mapping[str, str], ontology: AudioSetOntology | None) -> None:
    # 16 of the 543 unrestricted classes of the published ontology occur on no clip: untrainable outputs.
    def possible(label: str) -> bool:
        return label in class_labels or (
            ontology is not None and any(below in class_labels for below in ontology.descendants(label))
        )

    never = [label for label in columns if not possible(label)]
    if never:
        raise ValueError(
            f"{len(never)} of the {len(columns)} labels can never be positive, as no clip carries them or a label "
            f"below them: {first_few(never)}. Leave them out; read_audioset_labels lists the labels that occur."
        )


def first_few(names: Sequence[str]) -> str:
    """Return three names, and the number of the others."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def label_matrix(
    label_lists: Iterable[Sequence[str]],
    columns: Sequence[str],
    class_labels: Mapping[str, str],
    ontology: AudioSetOntology | None,
) -> csr_array:
    """Return the sparse indicator matrix, shape (n_clips, n_columns)."""
    column_of = {label: j for j, label in enumerate(columns)}
    reach: dict[str, list[int]] = {}  # label on a clip -> the columns it sets
    pointers, indices = [0], list[int]()
    for row, labels in enumerate(label_lists):
        found: set[int] = set()
        for label in labels:
            if label not in reach:
                _check_known(label, row, column_of, class_labels, ontology)
                above = ontology.ancestors(label) if ontology is not None and label in ontology else ()
                reach[label] = [column_of[name] for name in (label, *above) if name in column_of]
            found.update(reach[label])
        indices.extend(sorted(found))
        pointers.append(len(indices))
    content: tuple[Any, ...] = (
        np.ones(len(indices), dtype=np.int8),
        np.array(indices, dtype=np.int32),
        np.array(pointers, dtype=np.int32),
    )
    return csr_array(content, shape=(len(pointers) - 1, len(columns)))


def _check_known(
    label: str,
    row: int,
    column_of: Mapping[str, int],
    class_labels: Mapping[str, str],
    ontology: AudioSetOntology | None,
) -> None:
    if label not in column_of and label not in class_labels and (ontology is None or label not in ontology.names):
        raise ValueError(
            f"clip {row} carries the label {label!r}, which is not among the class labels; pass the class_labels= that "
            "belong to these segments."
        )
