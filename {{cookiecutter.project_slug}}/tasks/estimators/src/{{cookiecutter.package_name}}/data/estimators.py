"""Scikit-learn estimators for the baselines, on numeric and categorical features."""

import contextlib
import io
import warnings
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

Features: TypeAlias = pd.DataFrame | npt.NDArray[np.floating] | sparse.csr_matrix
"""(num_examples, num_features): numbers, NaN for missing, and columns of pandas' category type; or a sparse matrix of
numbers that need no scaling."""

MAX_CATEGORIES = 250  # most frequent of a column: gradient boosting supports at most 255
MIN_CATEGORY_EXAMPLES = 10  # rarer categories share a feature of the linear model
MIN_VALUES = 20  # of a column; with fewer it is not used
NUM_COMPONENTS = 50  # principal components of a sparse matrix, for gradient boosting
MAX_LINEAR_EXAMPLES = 50_000  # more improve a linear model little, and take longer than the network


def fit_and_predict(
    models: Mapping[str, Any],
    train: tuple[Features, npt.NDArray[Any]],
    evaluation: Features,
    method: str,
    weights: npt.NDArray[np.floating] | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Fits each model to the training examples and calls its `method` on the encoded evaluation features.

    `weights` are the sample weights of the training examples, (num_examples,), if there are any.
    """
    from sklearn.exceptions import ConvergenceWarning

    features, targets = train
    if weights is not None:
        features, targets, weights = features[weights > 0], targets[weights > 0], weights[weights > 0]
    matrix, others = encode(features, features), encode(features, evaluation)
    if not sparse.issparse(matrix):
        is_empty = np.isfinite(matrix).sum(axis=0) < MIN_VALUES
        matrix[:, is_empty] = others[:, is_empty] = 0  # gradient boosting fails if its sample of a column has no value
    predictions = {}
    for name, model in models.items():
        rows = sample(len(targets), MAX_LINEAR_EXAMPLES) if name == "linear" else slice(None)
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore", ConvergenceWarning)  # close to the optimum is good enough for a baseline
            warnings.filterwarnings("ignore", "Could not find the number of physical cores")  # joblib prints why, too
            fitted = f"{model.steps[-1][0]}__sample_weight" if hasattr(model, "steps") else "sample_weight"
            model.fit(matrix[rows], targets[rows], **({} if weights is None else {fitted: weights[rows]}))
        predictions[name] = getattr(model, method)(others)
    return predictions


def linear(model: Any, features: Features) -> Any:
    """A linear model on scaled numbers, with indicators of missing ones, and one-hot categories."""
    if sparse.issparse(features):
        return model
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = is_category(features)
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=MIN_CATEGORY_EXAMPLES)
    return make_pipeline(
        make_column_transformer((make_pipeline(imputer, StandardScaler()), ~categories), (encoder, categories)), model
    )


def boosting(model: Any, features: Features) -> Any:
    """Gradient boosting with categorical features, or on the principal components of a sparse matrix."""
    if not sparse.issparse(features):
        return model.set_params(categorical_features=is_category(features))
    from sklearn.decomposition import TruncatedSVD
    from sklearn.pipeline import make_pipeline

    # Latent semantic analysis (Deerwester et al. 1990)
    return make_pipeline(TruncatedSVD(min(NUM_COMPONENTS, features.shape[1] - 1), random_state=0), model)


def is_category(features: Features) -> npt.NDArray[np.bool_]:
    """Which columns are categories, (num_features,)."""
    if not isinstance(features, pd.DataFrame):
        return np.zeros(features.shape[1], dtype=bool)
    return np.array([isinstance(kind, pd.CategoricalDtype) for kind in features.dtypes], dtype=bool)


def encode(train: Features, features: Features) -> Any:
    """The features as numbers, (num_examples, num_features): categories numbered by their frequency in `train`.

    Missing, rare and unseen categories, and numbers that are not finite, become NaN. A sparse matrix is not changed.
    """
    if sparse.issparse(features):
        return features
    if isinstance(features, np.ndarray) or isinstance(train, np.ndarray):
        matrix = np.array(features, dtype=float)
    else:
        matrix = np.empty(features.shape)
        for place, (name, is_categorical) in enumerate(zip(train.columns, is_category(train), strict=True)):
            if is_categorical:
                known = train[name].value_counts().index[:MAX_CATEGORIES].tolist()
                codes = features[name].cat.set_categories(known).cat.codes.to_numpy("float64")
                matrix[:, place] = np.where(codes < 0, np.nan, codes)
            else:
                matrix[:, place] = features[name].to_numpy("float64", na_value=np.nan)
    matrix[~np.isfinite(matrix)] = np.nan
    return matrix


def sample(num_examples: int, limit: int) -> npt.NDArray[np.integer]:
    """Indices of at most `limit` examples, drawn at random, always the same ones."""
    return np.random.default_rng(0).permutation(num_examples)[:limit]
