"""Which words count as rare."""

from project.pairs import rare_words


def test_rare_words_are_what_training_hardly_has() -> None:
    known = rare_words.frequent(["old clock", "Old lamp", "old house", "a clock"])
    assert known == {"old"}
    assert rare_words.shares(["OLD old", "old lamp", "?", "one two old"], known).tolist() == [0, 0.5, 0, 2 / 3]
