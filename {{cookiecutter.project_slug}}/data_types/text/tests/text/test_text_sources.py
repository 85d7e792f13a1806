"""Texts are found in tables and in text files, with their labels, and what cannot be used is refused."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest

from project import examples
from project.core.errors import InputError
from project.data import splitting, targets
from project.data.provenance import Provenance
from project.stages import collect
from project.text import texts

from declared import Config

Read = Callable[..., pd.DataFrame]
reads_folders = pytest.mark.skipif(targets.IS_SET, reason="a text may have several labels, and lies in one folder")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The examples of a source in the test's folder."""

    def read(source: str = "", **settings: Any) -> pd.DataFrame:
        where = source if "://" in source else str(tmp_path / source)
        return examples.read_examples(Config(**{"source": where, "target": "label", **settings}))

    return read


def write(folder: Path, **contents: str | bytes) -> None:
    """Writes text files; two underscores stand for a folder."""
    for name, content in contents.items():
        path = folder / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def labelled(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table[texts.COLUMN], table["label"], strict=True))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.parquet", "a.jsonl", "a.xlsx"])
def test_the_column_with_the_longest_texts_is_read_from_any_table(read: Read, tmp_path: Path, name: str) -> None:
    review = ["A fine\tlamp, “old”", "so, so", "שלום 🙂"]
    table = pd.DataFrame({"id": [1, 2, 3], "label": ["x", "y", "x"], "title": ["a", "b", "c"], "review": review})
    path = tmp_path / name
    if name.endswith(".parquet"):
        table.to_parquet(path)
    elif name.endswith(".jsonl"):
        table.to_json(path, orient="records", lines=True)
    elif name.endswith(".xlsx"):
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False, sep="\t" if name.endswith(".tsv") else ",")
    found = read(name)
    assert found[texts.COLUMN].tolist() == review
    assert found["label"].tolist() == ["x", "y", "x"]
    assert found["title"].tolist() == ["a", "b", "c"]
    assert "review" not in found
    assert found[list(texts.NUMBERS)].notna().all(axis=None)


def test_a_setting_or_the_name_decides_which_column_is_read(read: Read, tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["a b", "c"], "label": [1, 2], "notes": ["long " * 9] * 2})
    table.to_csv(tmp_path / "a.csv", index=False)
    assert read("a.csv")[texts.COLUMN].tolist() == ["a b", "c"]
    found = read("a.csv", text_column="notes")
    assert found[texts.COLUMN].tolist() == ["long " * 9] * 2


def test_several_columns_are_joined_by_an_empty_line(read: Read, tmp_path: Path) -> None:
    table = {"title": ["A lamp", "", "B"], "label": ["x", "y", "x"], "text": ["It shines.", "No title", None]}
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet")
    found = read("a.parquet", text_column="title, text")
    assert found[texts.COLUMN].tolist() == ["A lamp\n\nIt shines.", "No title", "B"]
    assert "title" not in found
    pd.DataFrame({"text": ["A\n\nb"], "label": ["x"]}).to_json(tmp_path / "b.jsonl", orient="records", lines=True)
    assert read("b.jsonl", text_column="title, body")[texts.COLUMN].tolist() == ["A\n\nb"]  # as feedback has it
    with pytest.raises(InputError, match=r"text_column is 'title, body', but .* lacks 'body'"):
        read("a.parquet", text_column="title, body")


def test_it_is_said_which_of_several_texts_is_read(read: Read, tmp_path: Path) -> None:
    pd.DataFrame({"title": ["A very fine lamp"], "body": ["It shines. " * 9], "label": ["x"], "tag": ["new"]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    note = "texts are read from body, not from title: set text_column to change that"
    assert Provenance(**read("a.csv").attrs).notes == [note]
    assert Provenance(**read("a.csv", text_column="title").attrs).notes == []


def test_texts_that_look_like_something_else_stay_texts(read: Read, tmp_path: Path) -> None:
    cells = ["NA", "?", "12", "007", "true", "2020-01-01", " spaced "]
    pd.DataFrame({"text": cells, "label": ["01"] * 7}).to_csv(tmp_path / "a.csv", index=False)
    found = read("a.csv")
    assert found[texts.COLUMN].tolist() == cells
    assert set(found["label"]) == {"01"}


def test_empty_texts_are_left_out_and_counted(read: Read, tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", "", " ", "b", None], "label": list("xyxyx")}).to_parquet(tmp_path / "a.parquet")
    found = read("a.parquet")
    assert labelled(found) == [("a", "x"), ("b", "y")]
    assert Provenance(**found.attrs).dropped == {"the text is empty": {"count": 3, "first_rows": [2, 3, 5]}}
    pd.DataFrame({"text": ["", " "], "label": list("xy")}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"all 2 texts .* are empty"):
        read("b.parquet")


@reads_folders
def test_a_folder_per_class_and_a_zip_of_it(read: Read, tmp_path: Path) -> None:
    write(tmp_path / "mail", spam__1="Win!", spam__deep__2="Gold", ham__3="Hello", ham__README="about", ham___4="no")
    expected = [("Hello", "ham"), ("Win!", "spam"), ("Gold", "spam")]
    found = read("mail")
    assert labelled(found) == expected
    assert found["file"].tolist() == ["ham/3.txt", "spam/1.txt", "spam/deep/2.txt"]
    with zipfile.ZipFile(tmp_path / "mail.zip", "w") as archive:
        for path in (tmp_path / "mail").rglob("*.txt"):
            archive.write(path, path.relative_to(tmp_path))
    assert labelled(read("mail.zip")) == expected
    assert labelled(read("mail/*/*.txt"))[0] == ("Hello", "ham")


@reads_folders
def test_folders_of_splits_are_no_classes_and_stores_elsewhere_are_read(read: Read, tmp_path: Path) -> None:
    write(tmp_path / "data", train__pos__1="good", train__neg__2="bad", test__pos__3="fine")
    found = read("data")
    assert found["label"].tolist() == ["pos", "neg", "pos"]
    assert found[splitting.GIVEN].tolist() == ["test", "train", "train"]
    fsspec.filesystem("memory").pipe({"/letters/a/1.txt": b"one", "/letters/b/2.txt": b"two"})
    assert labelled(read("memory://letters")) == [("one", "a"), ("two", "b")]


@reads_folders
def test_bytes_of_any_kind_become_characters(read: Read, tmp_path: Path) -> None:
    write(
        tmp_path / "files",
        a__1=b"\xef\xbb\xbfmarked",
        a__2="sixteen é".encode("utf-16"),
        b__3=b"bro\xffken",
        b__4=b"nul\0inside",
        b__5=b"",
    )
    found = read("files")
    assert found[texts.COLUMN].tolist() == ["marked", "sixteen é", "bro\ufffdken", "nul\0inside"]
    provenance = Provenance(**found.attrs)
    assert provenance.notes == ["1 text files hold bytes that are no characters, which were replaced"]
    assert [entry["count"] for entry in provenance.dropped.values()] == [1]
    assert read("files", encoding="cp1252")[texts.COLUMN].tolist()[2] == "broÿken"


def test_zero_bytes_and_half_surrogate_pairs_in_tables_are_read(read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(f"text,label\n{'word ' * 40}\0 é,x\n".encode())
    (tmp_path / "b.jsonl").write_text('{"text": "half \\ud83d of 🙂", "label": "x"}\n' * 2, encoding="utf-8")
    assert read("a.csv")[texts.COLUMN].tolist() == ["word " * 40 + "\0 é"]
    assert read("b.jsonl")[texts.COLUMN].tolist() == ["half ? of 🙂"] * 2


def test_a_text_of_a_megabyte_is_read_whole(read: Read, tmp_path: Path) -> None:
    long = "word, " * 170_000
    pd.DataFrame({"text": [long, "short"], "label": ["x", "y"]}).to_csv(tmp_path / "a.csv", index=False)
    found = read("a.csv")
    assert found[texts.COLUMN].tolist() == [long, "short"]
    assert found["characters"].tolist() == [len(long), 5]
    assert found["words"].max() <= 10_000


def test_near_duplicates_stay_in_one_split(tmp_path: Path) -> None:
    rows = [(f"{word} number {number}", label) for number in range(60) for label, word in enumerate(("lamp", "clock"))]
    table = pd.DataFrame([*rows, *((text.upper() + "!", label) for text, label in rows)], columns=["text", "label"])
    table.to_csv(tmp_path / "a.csv", index=False)
    config = Config(source=str(tmp_path / "a.csv"), target="label", artifacts=tmp_path / "artifacts")
    collect.main(config)
    splits = [pd.read_parquet(config.paths.examples(split)) for split in ("train", "validation", "test")]
    assert sum(map(len, splits)) == 240
    hashes = [set(split[texts.HASH]) for split in splits]
    assert sum(map(len, hashes)) == len(set.union(*hashes)) == 120


def test_a_column_that_has_the_name_of_a_measure_cannot_be_the_target(read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,words\na b,7\nc,8\n", encoding="utf-8")
    with pytest.raises(InputError, match="target is 'words', which is what a measure of texts is called"):
        read("a.csv", target="words")
    if targets.IS_SET:
        with pytest.raises(InputError, match="target is 'words', which"):
            read("a.csv", target="spam, words")


def test_what_was_measured_before_is_measured_anew(read: Read, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("text,label,words\na b,x,7\nc,y,8\n", encoding="utf-8")
    found = read("b.csv")
    assert found["words"].tolist() == [2, 1]
    assert Provenance(**found.attrs).notes == ["columns of the source that are measured anew: words"]
    (tmp_path / "a.jsonl").write_text(
        '{"text": "a b", "label": "x", "words": null, "same_text": null}\n', encoding="utf-8"
    )
    assert read("a.jsonl")["words"].tolist() == [2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "elsewhere"}, "does not exist"),
        ({"source": "flat"}, "would have one label each" if targets.IS_SET else "lie in no folders"),
        ({"source": "empty"}, "holds no table|is empty"),
        ({"source": "broken.zip"}, "cannot be unpacked"),
        ({"source": "numbers.csv", "target": "a"}, "no column of .* holds texts"),
        ({"source": "table.csv", "text_column": "body"}, "text_column is 'body', but .* lacks 'body'"),
    ],
)
def test_sources_that_cannot_be_used_are_refused(read: Read, tmp_path: Path, settings: dict, message: str) -> None:
    write(tmp_path / "flat", a="one", b="two")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "picture.png").write_bytes(b"x")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 rubbish")
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_parquet(tmp_path / "numbers.csv")
    (tmp_path / "table.csv").write_text("subject,label\nhello you,x\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read(**settings)


def test_a_table_without_the_target_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,labels\none two,x\nthree,y\n", encoding="utf-8")
    config = Config(source=str(tmp_path / "a.csv"), target="label", artifacts=tmp_path / "artifacts")
    with pytest.raises(InputError, match="did you mean 'labels'"):
        collect.main(config)
    (tmp_path / "b.csv").write_text("text\none two\nthree\n", encoding="utf-8")
    with pytest.raises(InputError, match="target is 'label'"):
        collect.main(config.model_copy(update={"source": str(tmp_path / "b.csv")}))


def test_labels_that_are_numbers_are_names_or_numbers_by_the_task(read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\none two,1\nthree,2\n", encoding="utf-8")
    assert read("a.csv")["label"].tolist() == (["1", "2"] if targets.IS_NAME else [1, 2])
