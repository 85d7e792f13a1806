"""Pairs are read from tables, files of lines and translation memories; what is no pair is left out or refused."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from project import examples
from project.core.errors import InputError
from project.data import loading
from project.data.provenance import Provenance
from project.pairs import pairs
from project.settings.base import SPLITS
from project.stages import collect
from project.text import texts

from declared import Config

EN, FR = "One dog\nTwo cats\n\nNone\n", "Un chien\r\nDeux chats\nrien\nAucun\n"
TMX = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en" segtype="sentence"/><body>
<tu><tuv xml:lang="en-GB"><seg>One <hi>big</hi> dog</seg></tuv><tuv xml:lang="fr"><seg>Un gros chien</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>Two cats</seg></tuv><tuv xml:lang="de"><seg>Zwei Katzen</seg></tuv></tu>
<tu><tuv xml:lang="FR-ca"><seg>Trois</seg></tuv><tuv xml:lang="EN"><seg>Three</seg></tuv></tu>
</body></tmx>"""


def read(source: Path, target: str = "fr", **settings: Any) -> pd.DataFrame:
    return examples.read_examples(Config(source=str(source), target=target, **settings))


def both(table: pd.DataFrame, target: str = "fr") -> list[tuple[str, str]]:
    return list(zip(table["source"], table[target], strict=True))


def lines(folder: Path, english: str = "news.en", french: str = "news.fr") -> Path:
    (folder / "data").mkdir()
    (folder / "data" / english).write_bytes(EN.encode())
    (folder / "data" / french).write_bytes(FR.encode())
    (folder / "data" / "README.md").write_text("what this is")
    return folder / "data"


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_tables(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"pairs{ending}"
    table = pd.DataFrame({"id": [1, 2, 3], "en": ["One dog", "None", "Two, cats"], "fr": ["Un chien", "Aucun", "NA"]})
    if ending == ".parquet":
        table.to_parquet(path)
    elif ending == ".jsonl":
        path.write_text("\n".join(map(json.dumps, table.to_dict("records"))))
    else:
        table.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    found = read(path)
    assert both(found) == [("One dog", "Un chien"), ("None", "Aucun"), ("Two, cats", "NA")]
    assert found["id"].tolist() == [1, 2, 3]
    assert both(read(path, source_column="en")) == both(found)


@pytest.mark.parametrize(("english", "french"), [("a.en", "a.fr"), ("en.txt", "fr.txt"), ("a.en.txt", "a.fr.txt")])
def test_two_files_of_lines(tmp_path: Path, english: str, french: str) -> None:
    folder = lines(tmp_path, english, french)
    expected = [("One dog", "Un chien"), ("Two cats", "Deux chats"), ("None", "Aucun")]
    found = read(folder)
    assert both(found) == expected
    assert found.attrs["dropped"]["a side of the pair is empty"] == {"count": 1, "first_rows": [3]}
    assert len(found.attrs["sources"]) == 2
    assert both(read(folder / "*[!d]")) == expected
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert both(read(tmp_path / "pairs.zip")) == expected


def test_a_translation_memory(tmp_path: Path) -> None:
    path = tmp_path / "memory.tmx"
    path.write_text(TMX)
    assert both(read(path)) == [("One big dog", "Un gros chien"), ("Three", "Trois")]
    assert both(read(path, "de"), "de") == [("Two cats", "Zwei Katzen")]
    assert both(read(path, "en", source_column="fr"), "en")[0] == ("Un gros chien", "One big dog")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE t [<!ENTITY a "aaaa">]><tmx>&a;</tmx>', "declares XML entities"),
        ("<tmx><body>", "no valid TMX"),
        (TMX.replace("FR-ca", "it").replace('"fr"', '"it"'), "no unit in both en and fr; it has: .*it"),
    ],
)
def test_a_memory_that_cannot_be_used_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "memory.tmx"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read(path)


def test_files_of_lines_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = lines(tmp_path)
    with pytest.raises(InputError, match=r"target is 'de', as which none of the two files is called.*news.en"):
        read(folder, "de")
    (folder / "news.fr").write_text("Un chien\n")
    with pytest.raises(InputError, match=r"news.fr \(1\) have different numbers of lines"):
        read(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source_column": "nl"}, "source_column is 'nl', but .* lacks 'nl'"),
        ({"target": "source"}, "rename the column"),
        ({"target": "n"}, "all 2 pairs .* lack a side|no column"),
    ],
)
def test_settings_that_do_not_fit_the_table_are_refused(tmp_path: Path, settings: dict, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("en,fr,n\none,un,\ntwo,deux,\n")
    with pytest.raises(InputError, match=message):
        read(path, **{"target": "fr", **settings})


def test_feedback_joins_tables_whose_column_has_another_name(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.csv").write_text("en,fr\none,un\n")
    logged = {"source": "two", "fr": "deux", **dict.fromkeys(pairs.NUMBERS), texts.HASH: None}
    (tmp_path / "new" / "b.jsonl").write_text(json.dumps(logged))
    assert both(read(tmp_path / "new", source_column="en")) == [("one", "un"), ("two", "deux")]


def test_a_table_without_texts_to_translate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("n,fr\n1,un\n2,deux\n")
    with pytest.raises(InputError, match=r"no column .* holds texts; .*set source_column"):
        read(path)


def test_a_target_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("en,fr\none,un\ntwo,deux\nthree,trois\n")
    with pytest.raises(InputError, match=r"target is 'frr', which is no column of the source .*did you mean 'fr'"):
        collect.main(Config(source=str(path), target="frr", artifacts=tmp_path / "artifacts"))


def test_odd_unicode_is_kept_and_broken_unicode_mended(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    texts = ["👩‍👧 \u202eabc", "\ufeffbom", "a\0b", "half \ud83d pair"]
    path.write_text("\n".join(json.dumps({"en": text, "fr": f"fr {text}"}) for text in texts))
    found = read(path, source_column="en")
    assert found["source"].tolist()[:3] == [texts[0], "bom", texts[2]]
    assert found["source"].iloc[3].startswith("half ")
    found.to_parquet(tmp_path / "written.parquet")


def test_measures_tell_sides_apart() -> None:
    measured = pairs.measure("Été à Nice", "Summer")
    assert measured == {
        "source_characters": 10,
        "source_words": 3,
        "source_non_ascii": 0.3,
        "target_characters": 6,
        "target_words": 1,
        "target_non_ascii": 0.0,
        "length_ratio": 0.6,
        "identical": 0,
    }
    assert pairs.measure("Nice", "Nice ")["identical"] == 1
    assert set(measured) == set(pairs.NUMBERS)


def test_translations_of_the_same_source_stay_in_one_split(tmp_path: Path) -> None:
    sources = [f"Sentence number {number}" for number in range(60)]
    variants = [sources, [f"  {text.upper()}!" for text in sources], [text.replace(" ", "\u00a0") for text in sources]]
    table = pd.DataFrame({"en": np.concatenate(variants), "fr": [f"Phrase {number}" for number in range(180)]})
    table.to_csv(tmp_path / "pairs.csv", index=False)
    config = Config(source=str(tmp_path / "pairs.csv"), target="fr", artifacts=tmp_path / "artifacts")
    collect.main(config)
    hashes = [set(loading.read_examples(config, split)[texts.HASH]) for split in SPLITS]
    assert sum(map(len, hashes)) == len(set.union(*hashes)) == 60


def test_lines_of_a_text_file_are_predicted(tmp_path: Path) -> None:
    path = tmp_path / "new.txt"
    path.write_text("one\n\nthree\n")
    (piece,) = examples.read_pieces(Config(), path, Provenance())
    assert piece.table.column("source").to_pylist() == ["one", "", "three"]
    assert piece.numbers.tolist() == [1, 2, 3]
