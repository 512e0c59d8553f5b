"""`check_audio_estimator`: the checks of estimators over audio or frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sklearn.base import clone

from sklearn_audio.testing._ambient import AMBIENT_CHECKS
from sklearn_audio.testing._audio import AUDIO_CHECKS
from sklearn_audio.testing._contract import CONTRACT_CHECKS
from sklearn_audio.testing._failed_fits import FAILURE_CHECKS
from sklearn_audio.testing._probes import takes_audio, takes_tokens
from sklearn_audio.testing._refusals import FAILURES
from sklearn_audio.testing._sequences import SEQUENCE_CHECKS, TOKEN_CHECKS


def audio_checks(estimator: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    """Iterate over the checks of an estimator, for instance to parametrise a test with them.

    Parameters
    ----------
    estimator : estimator
        An instance; the checks work on clones. The input is recordings and waveforms with the tag
        ``input_tags.string``, tokens with the tag ``input_tags.categorical``, and frames otherwise.

    Yields
    ------
    name : str
        Name of the check.
    check : callable
        Function without arguments; raises if the estimator does not pass.

    Examples
    --------
    >>> from sklearn_audio import SequencePooling
    >>> from sklearn_audio.testing import audio_checks
    >>> "check_neighbours" in dict(audio_checks(SequencePooling()))
    True
    """
    kind_checks = TOKEN_CHECKS if takes_tokens(estimator) else SEQUENCE_CHECKS
    of_kind = AUDIO_CHECKS if takes_audio(estimator) else kind_checks
    for check in (*of_kind, *CONTRACT_CHECKS, *FAILURE_CHECKS, *AMBIENT_CHECKS):
        yield check.__name__, partial(check, clone(estimator))


def check_audio_estimator(estimator: Any) -> None:
    """Check that an estimator handles clips as this library promises, in addition to ``check_estimator``.

    All forms of X give the same rows; rows do not depend on other rows, order or threads; other sample rates are
    resampled; unusual clips give finite values; errors of bad clips name the row; the index of a Series is preserved; a
    failed fit leaves the estimator unchanged; fitted estimators work in a fresh process; nothing is printed, written or
    read too early. The global random state, and settings such as torch's default dtype or autocast, neither affect
    results nor are changed.

    Parameters
    ----------
    estimator : estimator
        An instance; the checks work on clones.

    Raises
    ------
    AssertionError
        If a check does not pass; the message says which and how.

    See Also
    --------
    sklearn.utils.estimator_checks.check_estimator : The contract of scikit-learn.

    Examples
    --------
    >>> from sklearn_audio import SequencePooling
    >>> from sklearn_audio.testing import check_audio_estimator
    >>> check_audio_estimator(SequencePooling())
    """
    for name, check in audio_checks(estimator):
        try:
            check()
        except AssertionError as error:
            raise AssertionError(f"{type(estimator).__name__} does not pass {name}: {error}") from error
        except FAILURES as error:
            raise AssertionError(
                f"{type(estimator).__name__} does not pass {name}: it raised {type(error).__name__}: {error}"
            ) from error
