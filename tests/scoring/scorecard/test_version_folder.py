"""Which versions are read, and which are refused: by path, by the registry's folder, by one file."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.scorecard.formats import load
from scoring.scorecard.version_folder import VersionFolder, check_name, find_version, manifest_of
from tests.broken_versions import BROKEN, CARD, WHOLE


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def fault(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(str(path.parent))
    assert message.isprintable()
    return message


def test_a_whole_one_by_its_file_its_folder_and_its_registry(tmp_path: Path) -> None:
    put(tmp_path, WHOLE)
    cards = [load(tmp_path / path) for path in ("", "whole", "whole/scorecard.json")]
    assert cards == [load(), load(), load()]


def test_a_folder_is_found_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, WHOLE)
    monkeypatch.chdir(tmp_path / "whole")
    assert load(".") == load("scorecard.json") == load("..") == load()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_refused(tmp_path: Path, name: str) -> None:
    fault(put(tmp_path, WHOLE | BROKEN[name]))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a name with a blank", "expected the name of a version (letters, digits, - _ .), got 'v 1'"),
        ("no manifest", "expected a version of a model, with its manifest.json"),
        ("a manifest that is cut off", "manifest.json is damaged: expected a digest of each file"),
        ("another digest", "scorecard.json is not what was written: its digest differs from manifest.json"),
        ("no scorecard", "expected a file scorecard.json of this version"),
    ],
)
def test_what_is_said_by_registry_and_by_folder(tmp_path: Path, name: str, says: str) -> None:
    put(tmp_path, BROKEN[name])
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    for path in (tmp_path, folder):
        assert fault(path).endswith(says)


def test_a_file_stands_by_itself_unless_its_manifest_is_beside_it(tmp_path: Path) -> None:
    put(tmp_path, {"my model/scorecard.json": CARD, "card.json": CARD})
    assert load(tmp_path / "my model/scorecard.json") == load(tmp_path / "card.json") == load()
    put(tmp_path, {"my model/manifest.json": manifest_of("v1", {"scorecard.json": CARD})})
    assert load(tmp_path / "my model/scorecard.json") == load()
    put(tmp_path, {"my model/scorecard.json": CARD + b" "})
    assert "its digest differs" in fault(tmp_path / "my model/scorecard.json")


def test_a_folder_that_is_neither(tmp_path: Path) -> None:
    expected = "expected a scorecard.json with its manifest.json, or a file named current, in the folder"
    assert fault(tmp_path).endswith(expected)
    (tmp_path / "current").mkdir()
    assert "cannot be read: Is a directory" in fault(tmp_path)


def test_a_manifest_is_read_once_and_a_byte_order_mark_is_accepted() -> None:
    files = {"a": b"1", "b": b"2"}
    files["manifest.json"] = b"\xef\xbb\xbf" + manifest_of("v", files)
    read: list[str] = []

    def reading(name: str) -> bytes | None:
        read.append(name)
        return files.get(name)

    version = VersionFolder(reading, "v")
    assert [version.read(name) for name in version.digests] == [b"1", b"2"]
    assert read == ["manifest.json", "a", "b"]


def test_a_file_that_the_manifest_does_not_name_is_not_read() -> None:
    files = {"manifest.json": manifest_of("v", {}), "more.json": b"{}"}
    with pytest.raises(BadInput, match=r"v: expected a file more.json of this version"):
        VersionFolder(files.get, "v").read("more.json")


@given(st.text() | st.text("aZ0-_./"))
def test_a_name_never_leads_elsewhere(text: str) -> None:
    if re.search(r"[^A-Za-z0-9._-]", text) or not text[:1].isalnum() or len(text) > 128:
        with pytest.raises(BadInput) as caught:
            check_name(text, "models")
        assert str(caught.value).isprintable()
    else:
        assert check_name(text, "models") == text
        assert Path("models", text).resolve().parent == Path("models").resolve()


@pytest.mark.parametrize("path", ["", "nul\0", "x" * 5000, "missing/scorecard.json"])
def test_a_path_that_is_no_file_is_no_version(tmp_path: Path, path: str) -> None:
    assert path == "" or find_version(tmp_path / path) is None
