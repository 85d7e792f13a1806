"""Monitoring compares the measures of texts, and how many of their words no training text has."""

from typing import Any

import numpy as np
import pandas as pd

from project.data import requests
from project.text import texts

from declared import Config

INPUTS = {texts.COLUMN: {"column": texts.COLUMN, "kind": "text", "required": True, "max_characters": 100}}


def rows(*contents: str, log_texts: bool = True) -> list[dict]:
    config = Config(log_texts=log_texts)
    return [{texts.COLUMN: requests.loggable(config, INPUTS[texts.COLUMN], text)} for text in contents]


def examples(*contents: str) -> pd.DataFrame:
    return pd.DataFrame([{texts.COLUMN: text, **texts.measure_sent(INPUTS[texts.COLUMN], text)} for text in contents])


def test_requests_and_examples_have_the_same_form() -> None:
    contents = ("a b", "É 12!", "🙂")
    table = requests.as_table(INPUTS, rows(*contents))
    pd.testing.assert_frame_equal(table, requests.from_examples(INPUTS, examples(*contents))[list(table)])
    assert list(table) == requests.columns(INPUTS)
    assert requests.in_schema_types(INPUTS, table).dtypes[texts.WHOLE[0]] == "Int64"
    assert requests.expected_to_change(INPUTS) == []


def test_the_share_of_words_that_no_other_training_text_has() -> None:
    reference = requests.from_examples(INPUTS, examples("red lamp", "Red clock", "red red lamp"))
    window = requests.as_table(INPUTS, rows("red lamp", "clock", "blue LAMP", "red clock", "?!"))
    before, now = requests.comparable(INPUTS, reference, window)
    assert list(before) == list(now) == [*texts.NUMBERS, requests.UNSEEN]
    assert before[requests.UNSEEN].tolist() == [0, 0.5, 0]
    np.testing.assert_array_equal(now[requests.UNSEEN], [0, 0, 0.5, 0, np.nan])


def test_a_training_text_that_comes_back_is_as_it_was() -> None:
    table = requests.from_examples(INPUTS, examples("red lamp", "Red clock"))
    before, now = requests.comparable(INPUTS, table, table)
    pd.testing.assert_frame_equal(before, now)


def test_without_texts_their_measures_are_compared() -> None:
    table = requests.from_examples(INPUTS, examples("red lamp", "Red clock"))
    window = requests.as_table(INPUTS, rows("red lamp", log_texts=False))
    before, now = requests.comparable(INPUTS, table, window)
    assert list(before) == list(now) == list(texts.NUMBERS)


def test_nothing_is_compared_where_the_log_leaves_texts_out() -> None:
    reference = requests.from_examples(INPUTS, examples("red lamp"))
    before, now = requests.comparable({}, reference, requests.as_table({}, [{}, {}]))
    assert before.shape[1] == now.shape[1] == 0


def test_what_clients_should_not_have_sent_is_missing() -> None:
    odd: list[Any] = [None, "plain", 5, {texts.WHOLE[0]: "many", texts.COLUMN: 7}, []]
    table = requests.as_table(INPUTS, [{texts.COLUMN: value} for value in odd])
    assert table[list(texts.NUMBERS)].isna().all(axis=None)
    assert table[texts.COLUMN].tolist() == [None, None, None, "7", None]
