"""Text tables are read whatever their encoding and delimiter, and rows that do not fit are refused or counted."""

from pathlib import Path
from typing import Any

import pytest

from project.core.errors import InputError
from project.data import delimited
from project.data.provenance import Provenance, share_needed

from declared import Config

CSV = "name,size\nAda,1\nBob,2\n"
CELLS = {"name": ["Ada", "Bob"], "size": ["1", "2"]}


def read(path: Path, provenance: Provenance | None = None, **settings: Any) -> dict[str, list[Any]]:
    """The columns of a file."""
    content = path.read_bytes()
    table = delimited.read(Config(**settings), path.name, content, provenance or Provenance())
    return {str(name): values for name, values in table.to_pydict().items()}


def saved(folder: Path, name: str, content: str | bytes) -> Path:
    """Writes a file and the folders above it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_delimiters_are_detected(tmp_path: Path, delimiter: str) -> None:
    text = f'name{delimiter}size\n"Ada{delimiter} the first"{delimiter}1,5\nBob{delimiter}2,5\n'
    text = text.replace("1,5", "1").replace("2,5", "2") if delimiter == "," else text
    assert read(saved(tmp_path, "data.csv", text))["name"] == [f"Ada{delimiter} the first", "Bob"]


def test_a_quoted_cell_may_hold_line_breaks_and_quotes(tmp_path: Path) -> None:
    path = saved(tmp_path, "data.csv", 'name,size\n"Ada\nthe ""first""",1\n5" pipe,2\n')
    assert read(path)["name"] == ['Ada\nthe "first"', '5" pipe']


STRAY = 'a\tb\n"Yes," he said.\tOui\n"no\tnon\n5"\t"cinq"\n'


def test_between_tabs_quotes_that_enclose_no_cell_are_characters(tmp_path: Path) -> None:
    found = read(saved(tmp_path, "data.tsv", STRAY))
    assert found == {"a": ['"Yes," he said.', '"no', '5"'], "b": ["Oui", "non", '"cinq"']}
    enclosed = read(saved(tmp_path, "data.tsv", 'a\tb\n"one\ntwo"\t3\n4\t"5 ""6"""\n'))
    assert enclosed == {"a": ["one\ntwo", "4"], "b": ["3", '5 "6"']}


@pytest.mark.parametrize("text", ["Go.\tVa !\nRun!\tCours !\n", "\nGo.;Va !\nRun!;Cours !\n"])
def test_a_table_without_a_header_has_numbered_columns(tmp_path: Path, text: str) -> None:
    path = saved(tmp_path, "data.txt", text)
    assert read(path, header=False) == {"1": ["Go.", "Run!"], "2": ["Va !", "Cours !"]}
    with pytest.raises(InputError, match=r"row 2 has 1 cells and the first line 2"):
        read(saved(tmp_path, "data.txt", "a,b\nc\n"), header=False)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_blank_lines_and_blanks_around_names(tmp_path: Path, line_end: str) -> None:
    assert read(saved(tmp_path, "data.csv", f"\n name , size \n{CSV[10:]}\n".replace("\n", line_end))) == CELLS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_detected(tmp_path: Path, encoding: str) -> None:
    names = ["Zoë Müller", "José Núñez", "François Lefèvre", "Jürgen Größer", "Åsa Sjöberg"]
    text = "name,size\n" + "".join(f"{name} café à la crème,1\n" for name in names)
    assert read(saved(tmp_path, "data.csv", text.encode(encoding)))["name"][0] == "Zoë Müller café à la crème"


def test_a_single_accent_is_enough(tmp_path: Path) -> None:
    assert read(saved(tmp_path, "data.csv", "name,size\nZoë,1\nBob,2\n".encode("cp1252")))["name"][0] == "Zoë"


def test_a_broken_byte_does_not_spoil_the_rest(tmp_path: Path) -> None:
    names = ["Zoë Müller-Größer", "José Núñez y Peña", "François Lefèvre", "Åsa Öberg"]
    content = b"name,size\n" + "".join(f"{name},1\n" for name in names).encode() + b"a\xffb,2\n"
    provenance = Provenance()
    assert read(saved(tmp_path, "data.csv", content), provenance)["name"] == [*names, "a\ufffdb"]
    assert provenance.notes == ["data.csv is UTF-8 with 1 broken characters, which were replaced by U+FFFD"]


def test_a_guessed_encoding_is_noted_and_a_set_one_is_used(tmp_path: Path) -> None:
    path = saved(tmp_path, "data.csv", "name,size\nŁódź Wałęsa,1\nŚwiętosława Żółć,2\n".encode("cp1250"))
    assert read(path, encoding="cp1250")["name"] == ["Łódź Wałęsa", "Świętosława Żółć"]
    provenance = Provenance()
    read(path, provenance)
    assert "a guess" in provenance.notes[0]


def test_unreadable_encodings_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "data.csv", b"name,size\nZo\xeb,1\n")
    with pytest.raises(InputError, match=r"not written in utf-8.*set `encoding`"):
        read(path, encoding="utf-8")
    with pytest.raises(InputError, match="Python does not know"):
        read(path, encoding="klingon")
    with pytest.raises(InputError, match="zero bytes, so it is no text"):
        read(saved(tmp_path, "noise.csv", bytes(range(256)) * 4))


def test_ragged_rows_are_refused_or_left_out_if_few_are_tolerated(tmp_path: Path) -> None:
    path = saved(tmp_path, "data.csv", 'name,size\n"Ada\nthe first",1\nBob\nCyd,3,4\nDan,4\n')
    with pytest.raises(
        InputError,
        match=r"rows 2, 3 cannot be read \(row 2 has 1 cells and the header 2\).*50.00%.*by max_bad_share 0.5$",
    ):
        read(path)
    provenance = Provenance()
    assert read(path, provenance, max_bad_share=0.5)["size"] == ["1", "4"]
    assert provenance.dropped == {f"unreadable in {path.name}": {"count": 2, "first_rows": [2, 3]}}


def test_the_share_that_is_needed_is_enough() -> None:
    assert [share_needed(1, 3), share_needed(1, 100), share_needed(100, 100)] == ["0.3334", "0.01", "1"]
    assert all(count <= float(share_needed(count, 100)) * 100 for count in range(1, 101))


def test_years_may_be_columns(tmp_path: Path) -> None:
    assert list(read(saved(tmp_path, "data.csv", "country,2019,2020\nPeru,1,2\n"))) == ["country", "2019", "2020"]
