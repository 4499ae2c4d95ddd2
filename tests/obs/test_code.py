"""What a local code directory becomes: the same name for the same content, and a clear word where it cannot go up."""

import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from aiomodelarts import InvalidArgument
from aiomodelarts.obs.code import local as code
from aiomodelarts.obs.code.local import CodeBounds, LocalCode, read_code, read_manifest

Tree = dict[str, bytes]
_NAME = st.text("abcäß中 -_.1", min_size=1, max_size=6).filter(lambda name: name not in (".", ".."))


def _can_exist(files: Tree) -> bool:
    """No path is a folder of another."""
    return not any(other.startswith(f"{path}/") for path in files for other in files)


_PATHS = st.lists(_NAME, min_size=1, max_size=3).map("/".join)
_TREES = st.dictionaries(_PATHS, st.binary(max_size=40), min_size=1, max_size=6).filter(_can_exist)


def write(folder: Path, files: Tree) -> Path:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def refused(folder: Path, bounds: CodeBounds | None = None) -> str:
    with pytest.raises(InvalidArgument) as caught:
        read_code(folder, bounds)
    assert caught.value.argument == "code_dir"
    return str(caught.value)


def paths(code: LocalCode) -> list[str]:
    return [one.path for one in code.manifest.files]


@given(_TREES)
def test_equal_folders_have_equal_names_whatever_the_order_and_the_dates(files: Tree) -> None:
    with tempfile.TemporaryDirectory() as place:
        one = write(Path(place, "one"), files)
        other = write(Path(place, "other"), dict(reversed(files.items())))
        for path in other.rglob("*"):
            os.utime(path, (1, 1))
        a, b = read_code(one), read_code(other)
        assert a.manifest == b.manifest
        assert a.manifest.name == b.manifest.name
        assert paths(a) == sorted(files)
        assert [one.place.read_bytes() for one in a.files] == [files[path] for path in sorted(files)]
        assert read_manifest(a.manifest.as_bytes()) == a.manifest


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.py").write_text("two"),
        lambda folder: (folder / "a.py").rename(folder / "b.py"),
        lambda folder: (folder / "a.py").chmod(0o755),
        lambda folder: (folder / "more.py").write_text(""),
        lambda folder: (folder / "sub/b.py").unlink(),
    ],
    ids=["content", "name", "executable", "one more", "one less"],
)
def test_any_change_of_the_code_is_another_name(tmp_path: Path, change: object) -> None:
    folder = write(tmp_path, {"a.py": b"one", "sub/b.py": b"b"})
    before = read_code(folder).manifest.name
    assert callable(change)
    change(folder)
    assert read_code(folder).manifest.name != before


def test_what_tools_leave_behind_does_not_change_the_name_and_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, {"train.py": b"x"})
    before = read_code(folder).manifest.name
    write(folder, {"__pycache__/train.pyc": b"x", ".git/HEAD": b"x", "sub/old.pyc": b"x", ".aiomodelartsignore": b""})
    read = read_code(folder)
    assert read.manifest.name == before
    assert read.left_out == (".aiomodelartsignore", ".git/", "__pycache__/", "sub/old.pyc")


def test_the_ignore_file_leaves_out_and_brings_back(tmp_path: Path) -> None:
    rules = b"# not code\n/data/\n*.bin\n!keep.bin\n!*.pyc\n"
    files = {"data/1": b"", "sub/data/1": b"", "a.bin": b"", "keep.bin": b"", "model.pyc": b"", "train.py": b""}
    read = read_code(write(tmp_path, {**files, ".aiomodelartsignore": rules}))
    assert paths(read) == ["keep.bin", "model.pyc", "sub/data/1", "train.py"]
    assert read.left_out == (".aiomodelartsignore", "a.bin", "data/")


def test_an_ignore_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": b"", ".aiomodelartsignore": b"\xff\xfe"})
    with pytest.raises(InvalidArgument, match=r"aiomodelartsignore.*UTF-8"):
        read_code(tmp_path)


def test_too_many_files_are_refused_with_the_folder_that_holds_most(tmp_path: Path) -> None:
    folder = write(tmp_path, {f"data/{number}": b"" for number in range(8)} | {"a.py": b""})
    assert "more than 5 files, 5 of them in 'data/'" in refused(folder, CodeBounds(files=5))


def test_too_many_bytes_are_refused_with_the_largest_file(tmp_path: Path) -> None:
    folder = write(tmp_path, {"model.bin": b"x" * 90, "a.py": b"x" * 20})
    assert "it holds 110 bytes, 90 of them in 'model.bin', of 100" in refused(folder, CodeBounds(bytes=100))
    assert read_code(folder, CodeBounds(bytes=110)).manifest.size == 110


def test_the_depth_counts_the_file_itself(tmp_path: Path) -> None:
    assert "'a/b/c.py' lies 3 levels deep, of 2" in refused(write(tmp_path, {"a/b/c.py": b""}), CodeBounds(depth=2))
    assert paths(read_code(tmp_path, CodeBounds(depth=3))) == ["a/b/c.py"]


def test_the_platforms_bounds_are_the_default() -> None:
    assert CodeBounds() == CodeBounds(bytes=5_000_000_000, files=1000, depth=32)


def test_a_folder_of_results_among_the_code_is_none_of_it(tmp_path: Path) -> None:
    folder = write(tmp_path, {"train.py": b"", "res [1]/tiny/results.csv": b"", "res 1/keep": b""})
    read = read_code(folder, leave_out=folder / "res [1]")
    assert paths(read) == ["res 1/keep", "train.py"]
    assert read.left_out == ("res [1]/",)
    assert paths(read_code(folder, leave_out=tmp_path.parent)) == ["res 1/keep", "res [1]/tiny/results.csv", "train.py"]


def test_links_are_followed_inside_and_refused_outside(tmp_path: Path) -> None:
    folder = write(tmp_path / "src", {"a.py": b"a", "sub/b.py": b"b"})
    (folder / "again.py").symlink_to("a.py")
    (folder / "too").symlink_to("sub")
    assert paths(read_code(folder)) == ["a.py", "again.py", "sub/b.py", "too/b.py"]
    for name, target in (("out", tmp_path), ("nowhere", folder / "missing"), ("up", folder)):
        (folder / name).symlink_to(target)
        assert f"/{name}: " in refused(folder)
        (folder / name).unlink()


@pytest.mark.parametrize("name", ["a\nb.py", os.fsdecode(b"\xff.py")])
def test_a_name_that_cannot_be_a_key_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert "it cannot be read as it is" in refused(tmp_path)


def test_neither_a_missing_folder_nor_a_file_nor_an_empty_folder_is_code(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    assert "that is a file" in refused(tmp_path / "file")
    (tmp_path / "empty/__pycache__").mkdir(parents=True)
    assert "no file in it (1 are left out" in refused(tmp_path / "empty")


def test_a_special_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, {"a.py": b""}) / "pipe")
    assert "neither a file nor a folder" in refused(tmp_path)


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, {"a.py": b"a", "b.py": b"b"})
    found = code.find

    def slow_find(*arguments: Any, **named: Any) -> Any:
        everything = found(*arguments, **named)
        (folder / "b.py").write_text("longer")
        return everything

    monkeypatch.setattr(code, "find", slow_find)
    told = refused(folder)
    assert "b.py" in told
    assert "changed" in told


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"files": [{}]}', b'{"files": 3}', b"\xff"])
def test_what_is_no_manifest_is_none(content: bytes) -> None:
    assert read_manifest(content) is None
