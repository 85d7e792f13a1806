"""Targets that cannot be learnt are refused when data is collected; labels that cannot be scored are counted."""

import pandas as pd
import pytest

from project import metrics
from project.core.errors import InputError
from project.data import targets
from project.settings.base import SPLITS

from declared import Config


def check(values: list[str]) -> list[str]:
    return targets.check_targets(Config(target="french"), dict.fromkeys(SPLITS, pd.Series(values)))


def test_texts_are_accepted_and_few_of_them_noted() -> None:
    (note,) = check([f"la phrase numéro {number}" for number in range(1_000)])
    assert note == "1,000 pairs to learn from: enough for a narrow subject, everyday language takes about 100,000"
    assert check(["une phrase plus longue", "deux"]) == ["only 2 pairs to learn from: expect little"]


def test_targets_that_are_too_short_for_bleu_are_noted() -> None:
    notes = check([f"phrase {number}" for number in range(1_000)])
    assert "no target has 4 words" in notes[-1]
    assert len(check([f"我喜欢第{number}只猫" for number in range(1_000)])) == 1


def test_a_target_that_never_varies_is_refused() -> None:
    with pytest.raises(InputError, match="'french' is 'un' in every example"):
        check(["un", "un"])


def test_labels_are_joined_with_translations() -> None:
    pairs = [({"translation": "un"}, "un"), ({"translation": "deux"}, 2), ({}, "trois"), ({"translation": "a"}, "b")]
    true, predicted, num_unusable = metrics.as_scored({}, pairs)
    assert true.tolist() == ["un", "b"]
    assert predicted["translation"].tolist() == ["un", "a"]
    assert num_unusable == 2


def test_without_labels_there_is_nothing_to_score() -> None:
    true, predicted, num_unusable = metrics.as_scored({}, [])
    assert (len(true), len(predicted["translation"]), num_unusable) == (0, 0, 0)
