"""The translation scores agree with sacrebleu, and their scores, figures and baselines hold together."""

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from project import baselines, metrics
from project.data import targets as target_texts
from project.data.resampling import Context
from project.evaluation import charts, scoring
from project.reporting.report import Figure
from project.task import Target

from declared import Config

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "mat", "tree", ",", ".", "42", "été", "😀"]
CONTEXT = Context(Config(), {})


def made_up(num_examples: int, seed: int = 0, share: float = 0.3) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """References, and translations in which a share of the words was replaced."""
    random = np.random.default_rng(seed)
    references = [random.choice(WORDS, random.integers(1, 15)) for _ in range(num_examples)]
    outputs = []
    for words in references:
        is_replaced = random.random(len(words)) < share
        outputs.append(np.where(is_replaced, random.choice(WORDS, len(words)), words))
    return joined(references), {"translation": joined(outputs)}


def joined(texts: list[np.ndarray]) -> np.ndarray:
    return np.array([" ".join(words) for words in texts], object)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_scores_equal_sacrebleu(share: float) -> None:
    targets, predictions = made_up(200, share=share)
    outputs = list(predictions["translation"])
    found = metrics.score(targets, predictions, CONTEXT)
    assert found["bleu"] == pytest.approx(BLEU().corpus_score(outputs, [list(targets)]).score)
    assert found["chrf"] == pytest.approx(CHRF().corpus_score(outputs, [list(targets)]).score)
    assert found["exact_match"] == np.mean(targets == predictions["translation"])


@pytest.mark.parametrize(
    ("output", "reference"),
    [("", "a cat"), ("a cat", ""), ("", ""), ("a", "a"), ("ab", "ba"), (" a  cat ", "a cat"), ("猫が", "犬が")],
)
def test_single_texts_equal_sacrebleu(output: str, reference: str) -> None:
    found = metrics.score(np.array([reference], object), {"translation": np.array([output.encode()], object)}, CONTEXT)
    assert np.isnan(found["bleu"])  # no reference has four words
    assert found["chrf"] == pytest.approx(CHRF().corpus_score([output], [[reference]]).score)
    assert np.isfinite(found["exact_match"])


@pytest.mark.parametrize("output", ["", "a cat", "a dog sat on it", "a cat sat down"])
def test_a_text_of_four_words_has_sacrebleus_value(output: str) -> None:
    found = metrics.score(np.array(["a cat sat down"], object), {"translation": np.array([output], object)}, CONTEXT)
    assert found["bleu"] == pytest.approx(BLEU().corpus_score([output], [["a cat sat down"]]).score)


SCRIPTS = {
    "zh": (["我喜欢红色的猫。", "你好,Tom 先生!"], ["我喜欢黑色的猫。", "您好,Tom 先生!"]),
    "char": (["赤い猫が好きです。", "こんにちは"], ["黒い猫が好きです。", "こんばんは"]),
    "13a": (["Ich mag die rote Katze.", "猫"], ["Ich mag die schwarze Katze.", "猫"]),
}


@pytest.mark.parametrize("tokenizer", SCRIPTS)
def test_bleu_splits_texts_by_their_script(tokenizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_texts, "find_spec", lambda _: None)  # without MeCab
    outputs, references = SCRIPTS[tokenizer]
    targets, predictions = np.array(references, object), {"translation": np.array(outputs, object)}
    expected = BLEU(tokenize=tokenizer).corpus_score(outputs, [references]).score
    assert metrics.score(targets, predictions, CONTEXT)["bleu"] == pytest.approx(expected)
    assert 0 < expected < 100
    assert f"|tok:{tokenizer}|" in metrics.signatures(targets)["BLEU"]


def test_languages_without_spaces_have_a_tokenizer() -> None:
    assert target_texts.bleu_tokenizer(["สวัสดีครับ", "ฉันชอบแมว"]) == "char"
    assert target_texts.bleu_tokenizer(["나는 고양이를 좋아한다"]) == target_texts.bleu_tokenizer([""]) == "13a"


def test_signatures_are_sacrebleus_own() -> None:
    signatures = metrics.signatures(made_up(9)[0])
    assert signatures["BLEU"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert signatures["chrF"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_resamples_are_paired_and_intervals_hold_the_value() -> None:
    targets, predictions = made_up(150)
    worse = {"translation": made_up(150, share=0.9)[1]["translation"]}
    summary = scoring.intervals(targets, predictions, CONTEXT, 100)
    assert all(entry["low"] <= entry["value"] <= entry["high"] for entry in summary.values())
    good, bad = (metrics.samples(targets, each, CONTEXT, 100)["bleu"] for each in (predictions, worse))
    assert good.shape == (100,)
    assert (good > bad).all()
    np.testing.assert_array_equal(metrics.samples(targets, predictions, CONTEXT, 100)["bleu"], good)


def test_errors_rank_the_worst_first() -> None:
    targets = np.array(["a cat", "a cat", "a cat"], object)
    errors = metrics.errors(targets, {"translation": np.array(["a cat", "xyz", "a car"], object)})
    assert errors.argsort().tolist() == [0, 2, 1]
    assert (errors[0], errors[1]) == (0, 1)


@pytest.mark.parametrize("num_examples", [1, 200])
def test_every_figure_is_described(num_examples: int) -> None:
    targets, predictions = made_up(num_examples)
    blocks = charts.figures(Target((), 10), targets, predictions | {"confidence": np.full(num_examples, 0.5)})
    drawn = [block for block in blocks if isinstance(block, Figure)]
    assert len(drawn) == 3
    assert all(figure.description and figure.svg.startswith("<svg") for figure in drawn)


def test_a_model_that_always_says_the_same_is_told() -> None:
    truth = np.array(["un", "deux"], object)
    (told,) = charts.remarks(Target((), 1), truth, {"translation": np.array([b"un", b"un"], object)})
    assert told == "The model translates every example as 'un'."


def test_baselines_copy_and_remember() -> None:
    train = (np.array(["old cat", "red dog", "big tree"], object), np.array(["AC", "RD", "BT"], object))
    found = baselines.baseline(train, np.array(["a red dog", "old cats"], object))
    assert list(found) == list(baselines.BASELINES)
    assert found["copy"]["translation"].tolist() == ["a red dog", "old cats"]
    assert found["translation_memory"]["translation"].tolist() == ["RD", "AC"]
    assert list(baselines.baseline(train, train[0], ["copy"])) == ["copy"]
    found = baselines.baseline(train, np.array(["a red dog"], object), weights=np.array([1.0, 0.0, 2.0]))
    assert found["translation_memory"]["translation"].tolist() != ["RD"]


def test_a_memory_of_many_texts_is_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    known = np.array([f"text {number} of {number % 7}" for number in range(150)], object)
    monkeypatch.setattr(baselines, "AT_ONCE", 7)
    assert baselines.nearest(known, known[::3]).tolist() == list(range(0, 150, 3))
