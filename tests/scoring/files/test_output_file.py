"""An output file is there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from scoring.files.errors import BadInput
from scoring.files.output_file import destination


def write(path: Path, content: bytes, *inputs: str) -> None:
    with destination(str(path), inputs) as out:
        out.write(content)


def test_a_new_file(tmp_path):
    write(tmp_path / "out", b"new")
    assert (tmp_path / "out").read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_an_old_file_is_replaced_and_keeps_its_mode(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old and longer")
    path.chmod(0o640)
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_usual_mode(tmp_path):
    (tmp_path / "usual").touch()
    write(tmp_path / "out", b"")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with destination(str(path)) as out:
            out.write(b"half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_file_behind_a_link_is_written(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_stays_a_device():
    before = Path(os.devnull).stat()
    write(Path(os.devnull), b"gone")
    assert os.path.samestat(Path(os.devnull).stat(), before)
    assert not Path(os.devnull).is_file()


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(BadInput, match="--output: expected a file, got a directory"):
        write(tmp_path, b"")


def test_an_input_is_refused_under_any_name(tmp_path):
    (tmp_path / "in").write_bytes(b"findings")
    (tmp_path / "link").symlink_to("in")
    os.link(tmp_path / "in", tmp_path / "hard")
    for name in ("in", "link", "hard", "../" + tmp_path.name + "/in"):
        with pytest.raises(BadInput, match="expected another file than the one that is read"):
            write(tmp_path / name, b"", str(tmp_path / "in"))
    assert (tmp_path / "in").read_bytes() == b"findings"


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(BadInput, match="no/out: cannot be written: No such file or directory"):
        write(tmp_path / "no" / "out", b"")
