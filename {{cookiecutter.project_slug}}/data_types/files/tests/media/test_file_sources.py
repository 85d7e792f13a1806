"""Files are found in folders, archives and tables, and labelled by what stands there."""

import importlib.util
import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pandas as pd
import pytest

from project import examples
from project.core import staleness
from project.core.errors import InputError
from project.data import splitting, targets
from project.data.provenance import Provenance
from project.media import file_sources, media

import synthetic
from declared import Config

FILES = [file_sources.decode_uri(uri) for uri in synthetic.make_table(4)[media.COLUMN]]
SUFFIX = media.suffix(FILES[0])

Find = Callable[..., list[tuple[str, Any]]]


def config_of(folder: Path, **settings: Any) -> Config:
    return Config(**{"target": "label", **synthetic.settings(folder), **settings})


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """The files of a source in the test's folder, with their labels."""

    def find(source: str = "", **settings: Any) -> list[tuple[str, Any]]:
        where = source if "://" in source else str(tmp_path / source)
        config = config_of(tmp_path, source=where, **settings)
        files, labels = file_sources.find(config, Provenance())
        assert labels[file_sources.NAME].tolist() == [file.name for file in files]
        assert all(file.read() in FILES for file in files)
        return list(zip(labels[file_sources.NAME], labels[config.target], strict=True))

    return find


def write(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / f"{name}{SUFFIX}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[number % len(FILES)])


def test_a_folder_per_class(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "01/a", "01/deep/b", "yes/c", ".hidden/d", "yes/.e")
    (tmp_path / "01" / "notes.txt").write_text("about them", encoding="utf-8")
    assert find() == [(f"01/a{SUFFIX}", "01"), (f"01/deep/b{SUFFIX}", "01"), (f"yes/c{SUFFIX}", "yes")]


def test_links_to_folders_are_followed_but_not_in_circles(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "all/01/a", "elsewhere/b", "elsewhere/deep/c")
    (tmp_path / "all" / "yes").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "elsewhere")
    expected = [(f"01/a{SUFFIX}", "01"), (f"yes/b{SUFFIX}", "yes"), (f"yes/deep/c{SUFFIX}", "yes")]
    assert find("all") == expected
    pieces = examples.read_pieces(config_of(tmp_path), tmp_path / "all", Provenance())
    assert [piece.table.num_rows for piece in pieces] == [len(expected)]
    assert len(staleness.local_files(str(tmp_path / "all"))) == len(expected)


def test_files_that_are_not_read_are_counted_by_suffix_and_no_class_is_lost(tmp_path: Path) -> None:
    write(tmp_path, "01/a", "01/b", "yes/c")
    for name in ("01/x.odd", "01/y.ODD", "yes/z.amr", ".hidden/d.odd", "LICENSE.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    provenance = Provenance()
    assert len(file_sources.find(config_of(tmp_path, source=str(tmp_path)), provenance).files) == 3
    assert provenance.notes[0].startswith("not read, by suffix: 2 .odd, 1 .amr; ")
    for name in ("no/d.odd", "no/deep/e.odd"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=f"the folder 'no' holds no {media.NOUN} file that can be read, but 2 .odd"):
        file_sources.find(config_of(tmp_path, source=str(tmp_path)), Provenance())


def test_files_that_a_further_package_reads_name_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optional = {"image": (".heic", "HEIF"), "audio": (".m4a", "M4A")}[media.NOUN]
    write(tmp_path, "01/a", "yes/b")
    (tmp_path / "01" / f"c{optional[0]}").write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    without = SimpleNamespace(**runpy.run_path(str(media.__file__), run_name=f"{media.__package__}.without"))
    assert optional[1] not in without.FORMATS
    for name in ("KINDS", "SUFFIXES"):
        monkeypatch.setattr(file_sources, name, getattr(without, name))
    provenance = Provenance()
    assert len(file_sources.find(config_of(tmp_path, source=str(tmp_path)), provenance).files) == 2
    assert provenance.notes[0].startswith(f"not read, by suffix: 1 {optional[0]}; ")
    assert f"{optional[0]} needs the dependency group formats" in provenance.notes[0]
    with pytest.raises(ValueError, match="needs the dependency group formats"):  # what a server answers
        without.readable(without.limits(Config()), (tmp_path / "01" / f"c{optional[0]}").read_bytes())


def test_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    write(tmp_path, "01/a", "yes/b")
    other = next(suffix for suffixes in media.FORMATS.values() for suffix in suffixes if SUFFIX not in suffixes)
    (tmp_path / "01" / f"a{SUFFIX}").rename(tmp_path / "01" / f"a{other}")
    table = examples.read_examples(config_of(tmp_path, source=str(tmp_path)))
    assert len(table) == 2
    kind = next(kind for kind, suffixes in media.FORMATS.items() if SUFFIX in suffixes)
    assert table.attrs["notes"] == [
        f"1 files are not of the format of their suffix, and are read as what they are: 01/a{other} is {kind}"
    ]


def test_folders_above_the_classes_and_those_of_splits_are_no_labels(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "all/pets/train/cat/a", "all/pets/train/dog/b", "all/pets/test/cat/c")
    assert [label for _, label in find("all")] == ["cat", "cat", "dog"]
    config = config_of(tmp_path, source=str(tmp_path / "all"))
    table = examples.read_examples(config)
    assert table[splitting.GIVEN].tolist() == ["test", "train", "train"]
    assert table.attrs["notes"][0] == (
        "the folders test, train are taken as the splits; set named_splits to false to join them"
    )
    joined = examples.read_examples(config.model_copy(update={"named_splits": False}))
    assert splitting.GIVEN not in joined


def test_a_zip_archive(find: Find, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name, payload in zip(("pets/cat/a", "pets/dog/b", "__MACOSX/cat/._a"), FILES, strict=False):
            archive.writestr(f"{name}{SUFFIX}", payload)
    assert find("pets.zip") == [(f"cat/a{SUFFIX}", "cat"), (f"dog/b{SUFFIX}", "dog")]
    write(tmp_path, "cow/c")
    assert [label for _, label in find()] == ["cow", "cat", "dog"]  # an archive among folders


def test_a_glob_and_a_store_elsewhere(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "one/cat/a", "one/dog/b", "two/cat/c")
    assert [label for _, label in find("one/*/*")] == ["cat", "dog"]
    write(tmp_path, ".cache/cat/a", ".cache/dog/b")
    assert len(find(".cache/*/*")) == len(find(".cache")) == 2
    store = fsspec.filesystem("memory")
    store.pipe({f"/pets/cat/a{SUFFIX}": FILES[0], f"/pets/dog/b{SUFFIX}": FILES[1]})
    assert [label for _, label in find("memory://pets")] == ["cat", "dog"]


@pytest.mark.parametrize("header", ["path,label,age", "age,label,path"])
def test_a_table_of_paths_beside_the_files(find: Find, tmp_path: Path, header: str) -> None:
    write(tmp_path, "files/a", "files/b")
    cells = {"path": ["files/a", "files/b"], "label": ["cat", "dog"], "age": ["3", "4"]}
    rows = zip(
        *([f"{cell}{SUFFIX * (name == 'path')}" for cell in cells[name]] for name in header.split(",")), strict=True
    )
    (tmp_path / "labels.csv").write_text("\n".join([header, *map(",".join, rows)]), encoding="utf-8")
    expected = [(f"files/a{SUFFIX}", "cat"), (f"files/b{SUFFIX}", "dog")]
    assert find("labels.csv") == expected
    ages = ["3", "4"] if targets.IS_NAME else [3, 4]
    assert find("labels.csv", target="age") == [(name, age) for (name, _), age in zip(expected, ages, strict=True)]


@pytest.mark.parametrize("cell", ["{}\\{}.{}", ".\\{}\\{}.{}", "./{}/{}.{}"])
def test_paths_of_a_table_may_be_written_as_on_windows(find: Find, tmp_path: Path, cell: str) -> None:
    write(tmp_path, "all/files/a", "all/files/b")
    names = [cell.format("files", name, SUFFIX[1:]) for name in "ab"]
    pd.DataFrame({"path": names, "label": ["cat", "dog"]}).to_csv(tmp_path / "all" / "labels.csv", index=False)
    assert [label for _, label in find("all/labels.csv")] == ["cat", "dog"]
    assert find("all") == [(f"files/a{SUFFIX}", "cat"), (f"files/b{SUFFIX}", "dog")]


@pytest.mark.parametrize("suffix", ["", SUFFIX])
def test_a_table_may_have_the_last_names_of_the_files_beside_it(find: Find, tmp_path: Path, suffix: str) -> None:
    write(tmp_path, "all/images/0", "all/images/1", "all/images/2")
    cells = {"label": ["1", "0", "1"], "place": ["1", "0", "0"], "id": [f"{number}{suffix}" for number in range(3)]}
    pd.DataFrame(cells).to_csv(tmp_path / "all" / "labels.csv", index=False)
    labels = cells["label"] if targets.IS_NAME else [1, 0, 1]
    assert find("all") == [(f"images/{number}{SUFFIX}", label) for number, label in enumerate(labels)]
    with pytest.raises(InputError, match=r"no column of the source names|paths in a table start from its folder"):
        examples.read_examples(config_of(tmp_path, source=str(tmp_path / "all" / "labels.csv")))
    write(tmp_path, "all/more/0")  # which of them is meant is not known
    with pytest.raises(FileNotFoundError):
        find("all")


def test_a_file_with_different_labels_is_named(tmp_path: Path) -> None:
    write(tmp_path, *"abcd")
    rows = [("a", "1"), ("b", "2"), ("a", "2"), ("c", "1"), ("c", "1"), ("d", "1")]
    text = "\n".join(["path,label", *(f"{name}{SUFFIX},{label}" for name, label in rows)])
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    table = examples.read_examples(config_of(tmp_path, source=str(tmp_path / "labels.csv")))
    shown = " and ".join(f"a{SUFFIX} ({label})" for label in (table["label"].iloc[0], table["label"].iloc[1]))
    (note,) = table.attrs["notes"]
    assert note.endswith(f"occur with different labels, such as {shown}: give each one row, with what is right")
    assert note.startswith("1 of the")


def test_a_class_whose_folder_counts_as_hidden_is_named(tmp_path: Path) -> None:
    write(tmp_path, "01/a", "yes/b", "_other/c", ".hidden/d")
    provenance = Provenance()
    assert len(file_sources.find(config_of(tmp_path, source=str(tmp_path)), provenance).files) == 2
    assert provenance.notes == ["not read, as hidden by a name that begins with _: the folders _other"]


def test_a_table_in_the_archive_or_folder_wins_over_folders(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "data/one/a", "data/two/b")
    text = f"file,label\none/a{SUFFIX},cat\ntwo/b{SUFFIX},dog\n"
    (tmp_path / "data" / "labels.csv").write_text(text, encoding="utf-8")
    assert [label for _, label in find("data")] == ["cat", "dog"]
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in (tmp_path / "data").rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path))
    assert [label for _, label in find("data.zip")] == ["cat", "dog"]
    assert [label for _, label in find("data", target="kind")] == ["one", "two"]


def test_columns_are_found_in_names(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "7_ann_0", "3_bob_1")
    pattern = r"(?P<label>\d)_(?P<speaker>[a-z]+)"
    labels = ["3", "7"] if targets.IS_NAME else [3, 7]
    assert find(name_pattern=pattern) == list(zip([f"3_bob_1{SUFFIX}", f"7_ann_0{SUFFIX}"], labels, strict=True))
    assert [speaker for _, speaker in find(name_pattern=pattern, target="speaker")] == ["bob", "ann"]


@pytest.mark.skipif(not targets.IS_SET, reason="an example has one label")
@pytest.mark.parametrize(
    "columns",
    [
        {"label": ["cat|dog", "", "dog"]},
        {"label": ['["dog", "cat"]', "", "dog"]},
        {"cat": [1, 0, 0], "dog": [1, 0, 1]},
    ],
)
def test_a_table_gives_each_file_a_set_of_labels(find: Find, tmp_path: Path, columns: dict[str, list]) -> None:
    write(tmp_path, "a", "b", "c")
    names, target = [f"{name}{SUFFIX}" for name in "abc"], ", ".join(columns)
    pd.DataFrame({"file": names, **columns}).to_csv(tmp_path / "table.csv", index=False)
    expected = list(zip(names, ["cat|dog", "", "dog"], strict=True))
    assert find("table.csv", target=target) == find(target=target) == expected
    with pytest.raises(InputError, match="target is 'owl', which is no column of the source"):
        find(target=f"{target}, owl")


@pytest.mark.skipif(not targets.IS_SET, reason="an example has one label")
def test_a_folder_is_called_like_a_set_of_labels(find: Find, tmp_path: Path) -> None:
    write(tmp_path, "a", "cat|dog/b", "dog/c")
    assert find() == [(f"a{SUFFIX}", ""), (f"cat|dog/b{SUFFIX}", "cat|dog"), (f"dog/c{SUFFIX}", "dog")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "elsewhere"}, "does not exist"),
        ({"source": "empty"}, "holds no .* file"),
        ({"source": "flat"}, "lie in no folders"),
        ({"source": "flat", "name_pattern": "("}, "no regular expression"),
        ({"source": "flat", "name_pattern": "a"}, "no named group"),
        ({"source": "flat", "name_pattern": "(?P<label>z)"}, "finds nothing in 1 of 1 names"),
        ({"source": "broken.zip"}, "cannot be unpacked"),
        ({"source": "table.csv"}, "no column of the source names"),
        ({"source": "table.csv", "file_column": "path"}, "file_column is 'path', which is no column"),
        ({"source": "paths.csv"}, "target is 'label', which is no column"),
    ],
)
def test_sources_that_cannot_be_used_are_refused(find: Find, tmp_path: Path, settings: dict, message: str) -> None:
    write(tmp_path, "flat/a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("nothing here", encoding="utf-8")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 rubbish")
    (tmp_path / "table.csv").write_text("a,label\n1,x\n2,y\n", encoding="utf-8")
    (tmp_path / "paths.csv").write_text(f"path,b\nflat/a{SUFFIX},1\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        find(**settings)


def test_unusable_files_are_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path / "files", *(f"{kind}/{number}" for kind in ("cat", "dog") for number in range(10)))
    (tmp_path / "files" / "cat" / f"empty{SUFFIX}").touch()
    (tmp_path / "files" / "dog" / f"torn{SUFFIX}").write_bytes(FILES[0][:60])
    config = config_of(tmp_path, source=str(tmp_path / "files"), max_bad_share=0.1)
    table = examples.read_examples(config)
    assert len(table) == 20
    assert Path(table[media.COLUMN].iloc[0]).read_bytes() == FILES[0]
    dropped = Provenance(**table.attrs).dropped
    assert [entry["count"] for entry in dropped.values()] == [1, 1]
    assert {name for entry in dropped.values() for name in entry["first_rows"]} == {
        f"cat/empty{SUFFIX}",
        f"dog/torn{SUFFIX}",
    }
    with pytest.raises(
        InputError, match=r"2 of 22 .* files cannot be used .* max_bad_share is 0.05; .* raise it to 0.091"
    ):
        examples.read_examples(config.model_copy(update={"max_bad_share": 0.05}))
    (tmp_path / "files" / "owl").mkdir()
    (tmp_path / "files" / "owl" / f"torn{SUFFIX}").write_bytes(FILES[0][:60])
    tolerant = config.model_copy(update={"max_bad_share": 0.5})
    if targets.IS_NAME and not targets.IS_SET:
        with pytest.raises(InputError, match=f"none of the {media.NOUN} files of the class 'owl' can be used"):
            examples.read_examples(tolerant)


def test_files_of_an_archive_are_kept_under_their_content(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"cat/{number}{SUFFIX}", FILES[number % 2])
    config = config_of(tmp_path, source=str(tmp_path / "pets.zip"))
    table = examples.read_examples(config)
    assert sorted(path.name for path in (tmp_path / "unpacked").rglob("*.*")) == sorted(
        f"{digest}{SUFFIX}" for digest in set(table["sha256"])
    )
    first, second, *_ = examples.identities(config, table)
    assert examples.identities(config, table).tolist() == [first, second] * 2


def test_a_cell_without_a_file_is_one_that_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "a", "b", "c")
    rows = "".join(f"{name},x\n" for name in (f"a{SUFFIX}", "", f"c{SUFFIX}", f"gone{SUFFIX}"))
    (tmp_path / "table.csv").write_text(f"path,label\n{rows}", encoding="utf-8")
    config = config_of(tmp_path, source=str(tmp_path / "table.csv"), max_bad_share=0.5)
    table = examples.read_examples(config)
    assert table[file_sources.NAME].tolist() == [f"a{SUFFIX}", f"c{SUFFIX}"]
    (entry,) = Provenance(**table.attrs).dropped.values()
    assert entry["first_rows"] == ["row 2", f"gone{SUFFIX}"]
