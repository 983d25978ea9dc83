"""Whole files or none."""

import errno
import hashlib
from pathlib import Path

import pytest

from kineograph.core.errors import OutputError
from kineograph.core.files import check_writable, sha256_of, whole_file, whole_folder


def test_file_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "a.txt"
    with whole_file(target) as partial:
        partial.write_text("new")
        assert not target.exists()
        assert partial.name == "a.txt"
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), whole_file(target) as partial:
        partial.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_failure_takes_new_parent_folders_away(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_file(tmp_path / "x" / "y" / "a.txt"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*a\.txt"), whole_file(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"^cannot write .*a\.txt: No space left$"),
        whole_file(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left")


def test_somebody_elses_error_is_not_called_a_writing_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.txt"):
        (tmp_path / "missing.png").read_bytes()


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(OutputError, match=r"cannot write to .*file.*name a folder you may write"),
        whole_file(tmp_path / "file" / "a.txt"),
    ):
        pass


def test_a_folder_where_a_file_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a folder; name a file"), whole_file(tmp_path):
        pass


def test_folder_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "frames"
    with whole_folder(target) as partial:
        (partial / "a").write_text("1")
        assert not target.exists()
    assert [entry.name for entry in target.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [target]


def test_folder_is_replaced_only_when_allowed(tmp_path: Path) -> None:
    target = tmp_path / "frames"
    target.mkdir()
    (target / "mine").write_text("1")
    with pytest.raises(OutputError, match="not empty and was not made by"), whole_folder(target):
        pass
    with whole_folder(target, replaceable=True) as partial:
        (partial / "b").write_text("2")
    assert [entry.name for entry in target.iterdir()] == ["b"]
    with pytest.raises(KeyboardInterrupt), whole_folder(target, replaceable=True):
        raise KeyboardInterrupt
    assert [entry.name for entry in target.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [target]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    with whole_folder(tmp_path / "frames") as partial:
        (partial / "a").write_text("1")
    assert (tmp_path / "frames" / "a").read_text() == "1"


def test_a_file_where_frames_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("x")
    with (
        pytest.raises(OutputError, match=r"cannot write a folder to .* it is a file; name another"),
        whole_folder(tmp_path / "frames"),
    ):
        pass


def test_check_writable_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "x" / "y" / "a.mp4", folder=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="name a folder you may write"):
        check_writable(tmp_path / "file" / "x" / "a.mp4", folder=False)


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"kineograph")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"kineograph").hexdigest()
