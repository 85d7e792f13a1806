"""Which recordings are the same: those with the same samples, however they were stored."""

import numpy as np
import numpy.typing as npt
import pandas as pd


def first_alike(examples: pd.DataFrame) -> npt.NDArray[np.intp]:
    """For each recording the number of the first with the same samples, (num_examples,)."""
    codes, _ = pd.factorize(examples["samples_sha256"])
    _, starts = np.unique(codes, return_index=True)
    return np.asarray(starts[codes])
