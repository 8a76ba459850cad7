"""Judges that never see the image: how many pairs would they have decided in the same way?

What such a judge gets right can be learnt from the answers alone; what is left over is where the image may have mattered.
Each is fitted to some images and asked about others. Near-copies of an image are on the same side.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from pairsmith.hygiene import words

FEATURES = 2**18
HALF = 0.5
Groups = NDArray[np.int64]
Votes = NDArray[np.float64]
"""Of each pair 1 where a judge chose as the pair does, 0 where it chose the other side, 0.5 where it could not tell."""


def length_only(difference: NDArray[np.float64], groups: Groups, folds: int) -> Votes:
    """Return the votes of a judge that takes the longer answer, or the shorter, whichever was right more often.

    ``difference`` ``[N]`` is the length of the chosen answer less that of the rejected one.
    """
    signs = np.sign(difference)
    votes = np.full(len(signs), HALF)
    for fitted, asked in _folds(groups, folds):
        direction = np.sign(signs[fitted].sum())
        votes[asked] = HALF + signs[asked] * direction / 2
    return votes


def text_only(chosen: Iterable[str], rejected: Iterable[str], groups: Groups, folds: int, seed: int) -> Votes:
    """Return the votes of a logistic regression on which words and pairs of words an answer has.

    The features of a pair are those of one answer less those of the other, without intercept, so that it does not matter
    which side an answer stands on; sides are drawn for fitting.
    """
    features = _features(chosen) - _features(rejected)
    signs = np.where(np.random.default_rng(seed).random(features.shape[0]) < HALF, -1.0, 1.0)
    votes = np.full(features.shape[0], HALF)
    for fitted, asked in _folds(groups, folds):
        if np.unique(signs[fitted]).size < 2:  # noqa: PLR2004 - the two sides
            continue
        model = LogisticRegression(fit_intercept=False, solver="liblinear", max_iter=1000, tol=1e-3, random_state=0)
        model.fit(features[fitted].multiply(signs[fitted][:, None]).tocsr(), signs[fitted] > 0)
        votes[asked] = HALF + np.sign(np.round(model.decision_function(features[asked]), 9)) / 2
    return votes


def enough(groups: Groups, folds: int) -> bool:
    """Tell whether there are images enough to be split."""
    return np.unique(groups).size >= folds


def _folds(groups: Groups, folds: int) -> Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return list(GroupKFold(folds).split(np.zeros(len(groups)), groups=groups))


def _features(texts: Iterable[str]) -> csr_matrix:
    vectorizer = HashingVectorizer(
        tokenizer=words,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        n_features=FEATURES,
        alternate_sign=False,
        binary=True,
        norm=None,
    )
    return vectorizer.transform(texts)
