"""What a sync promises, on moto's server and on a folder alike; and from bucket to bucket."""

import asyncio
import os
from pathlib import Path

import pytest

from aiomodelarts import InvalidArgument
from aiomodelarts.obs import Progress
from aiomodelarts.obs._transfer import copy as copying
from aiomodelarts.obs._transfer import flow, sync_down
from aiomodelarts.obs.errors import (
    BucketNotFound,
    ObsNotFound,
    TargetIsFile,
    TargetIsFolder,
    TransferIncomplete,
)

from .conftest import PART, Place, content, fill, tree


class TestSync:
    async def test_what_is_there_is_not_sent_again(self, place: Place, tmp_path: Path) -> None:
        files = {"a": b"a", "b/c": content(3 * PART), "d": b""}
        await fill(tmp_path / "src", files)
        first = await place.obs.sync_up(tmp_path / "src", place.root + "p/")
        assert (first.files, first.skipped) == (3, 0)
        again = await place.obs.sync_up(tmp_path / "src", place.root + "p/")
        assert (again.files, again.skipped, again.bytes) == (0, 3, 0)
        await fill(tmp_path / "src", {"a": b"A", "e": b"e"})
        third = await place.obs.sync_up(tmp_path / "src", place.root + "p/")
        assert (third.files, third.skipped) == (2, 2)
        assert await place.all() == {f"p/{name}": held for name, held in (await tree(tmp_path / "src")).items()}

    async def test_what_is_here_is_not_fetched_again(self, place: Place, tmp_path: Path) -> None:
        files = {"a": b"a", "b/c": content(3 * PART), "d": b""}
        for name, held in files.items():
            await place.put(f"p/{name}", held)
        first = await place.obs.sync_down(place.root + "p/", tmp_path)
        assert (first.files, first.skipped) == (3, 0)
        again = await place.obs.sync_down(place.root + "p/", tmp_path)
        assert (again.files, again.skipped) == (0, 3)
        await fill(tmp_path, {"a": b"X"})
        await asyncio.to_thread(os.utime, tmp_path / "d", (1, 1))
        await place.put("p/e", b"e")
        third = await place.obs.sync_down(place.root + "p/", tmp_path)
        assert (third.files, third.skipped) == (2, 2)
        assert await tree(tmp_path) == {**files, "e": b"e"}

    async def test_an_object_that_is_written_twice_within_a_second_is_fetched_twice(
        self, place: Place, tmp_path: Path
    ) -> None:
        for held in (b"0.91", b"0.92", b"0.93", b"0.94"):
            await place.put("metric", held)
            await place.obs.sync_down(place.root, tmp_path)
            assert await tree(tmp_path) == {"metric": held}

    async def test_what_came_in_long_after_it_was_written_is_known_by_its_time(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await place.put("old", b"12")
        await place.obs.sync_down(place.root, tmp_path)
        digests: list[Path] = []

        def digest(_: object, file: Path, *__: object) -> str:
            digests.append(file)
            return "another"

        monkeypatch.setattr(flow, "digest_file", digest)
        monkeypatch.setattr(sync_down, "_MOST_SKEW_S", -60)
        assert (await place.obs.sync_down(place.root, tmp_path)).skipped == 1
        assert digests == []

    async def test_another_content_of_the_same_size_is_sent_however_old_it_is(
        self, place: Place, tmp_path: Path
    ) -> None:
        files = {"a": b"old", "big": content(3 * PART, 1)}
        await fill(tmp_path / "src", files)
        await place.put("a", b"new")
        await place.obs.put_file(tmp_path / "src" / "big", place.root + "big")
        await fill(tmp_path / "src", {"big": content(3 * PART, 2)})
        for name in files:
            await asyncio.to_thread(os.utime, tmp_path / "src" / name, (1, 1))
        assert (await place.obs.sync_up(tmp_path / "src", place.root)).files == 2
        assert await place.all() == {"a": b"old", "big": content(3 * PART, 2)}

    async def test_modification_times_come_along(self, place: Place, tmp_path: Path) -> None:
        await place.put("k", b"1")
        await place.obs.sync_down(place.root, tmp_path)
        (entry,) = [one async for one in place.obs.list(place.root)]
        assert entry.modified is not None
        status = await asyncio.to_thread(os.stat, tmp_path / "k")
        assert status.st_mtime == pytest.approx(entry.modified.timestamp(), abs=1e-5)

    async def test_patterns(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"a.py": b"", "b.txt": b"", "d/c.py": b"", "d/e.log": b"", "logs/x.py": b""})
        done = await place.obs.sync_up(tmp_path, place.root, include=["*.py", "*.txt"], exclude=["logs/", "b.*"])
        assert sorted(await place.all()) == ["a.py", "d/c.py"]
        assert done.left_out == ("b.txt", "d/e.log", "logs/")
        await place.obs.sync_down(place.root, tmp_path / "back", exclude=["d/"])
        assert sorted(await tree(tmp_path / "back")) == ["a.py"]

    async def test_the_ignore_file(self, place: Place, tmp_path: Path) -> None:
        ignore = b"# models\n*.pt\n!keep.pt\n/data\n__pycache__/\n"
        kept = {".aiomodelartsignore": ignore, "keep.pt": b"1", "sub/data": b"2", "train.py": b"3"}
        await fill(tmp_path, {**kept, "m.pt": b"", "data/x": b"", "sub/__pycache__/y": b""})
        done = await place.obs.upload_dir(tmp_path, place.root)
        assert await place.all() == {f"{tmp_path.name}/{name}": held for name, held in kept.items()}
        assert done.left_out == ("data/", "m.pt", "sub/__pycache__/")

    async def test_delete_removes_what_the_other_side_does_not_have(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path / "src", {"a": b"a", "b/c": b"c"})
        for key in ("p/a", "p/old", "p/b/old", "p/kept.log", "p/gone/", "other"):
            await place.put(key, b"" if key.endswith("/") else b"old")
        done = await place.obs.sync_up(tmp_path / "src", place.root + "p", exclude=["*.log"], delete=True)
        assert sorted(await place.all()) == ["other", "p/a", "p/b/c", "p/kept.log"]
        assert done.deleted == 3
        await fill(tmp_path / "back", {"a": b"mine", "stale/x": b"", "note.log": b""})
        down = await place.obs.sync_down(place.root + "p", tmp_path / "back", exclude=["*.log"], delete=True)
        assert await tree(tmp_path / "back") == {"a": b"a", "b/c": b"c", "note.log": b""}
        assert down.deleted == 1

    async def test_progress_adds_up(self, place: Place, tmp_path: Path) -> None:
        files = {"a": content(10), "b": content(3 * PART + 1), "c": b""}
        await fill(tmp_path / "src", files)
        total = sum(map(len, files.values()))
        for run in (
            lambda seen: place.obs.sync_up(tmp_path / "src", place.root, progress=seen),
            lambda seen: place.obs.sync_up(tmp_path / "src", place.root, progress=seen),
            lambda seen: place.obs.sync_down(place.root, tmp_path / "back", progress=seen),
        ):
            seen: list[Progress] = []
            await run(seen.append)
            assert seen[0] == Progress(0, total, 0, 3)
            assert seen[-1] == Progress(total, total, 3, 3)
            assert [one.bytes_done for one in seen] == sorted(one.bytes_done for one in seen)

    async def test_a_target_that_is_of_the_other_kind(self, place: Place, tmp_path: Path) -> None:
        for key in ("a", "b/c", "ok"):
            await place.put(key, b"1")
        await fill(tmp_path, {"file": b"", "d/a/x": b"", "d/b": b"a file"})
        with pytest.raises(TargetIsFile):
            await place.obs.sync_down(place.root, tmp_path / "file")
        with pytest.raises(TransferIncomplete) as failed:
            await place.obs.sync_down(place.root, tmp_path / "d")
        assert {Path(one.path).name: type(one) for one in failed.value.failures} == {
            "a": TargetIsFolder,
            "c": TargetIsFile,
        }
        assert failed.value.done.files == 1
        assert await tree(tmp_path / "d") == {"a/x": b"", "b": b"a file", "ok": b"1"}


class TestOver:
    """From one folder of objects to another, by the storage itself."""

    async def test_what_differs_is_copied_and_only_that(self, place: Place) -> None:
        for key in ("a/x", "a/ü b/y+z", "a/big", "a/empty/", "ab/other"):
            await place.put(key, b"" if key.endswith("/") else key.encode())
        first = await place.obs.sync_over(place.root + "a", place.root + "c d/")
        assert (first.files, first.skipped, first.bytes) == (3, 0, 18)
        there = {key: held for key, held in (await place.all()).items() if key.startswith("c d/")}
        assert there == {"c d/x": b"a/x", "c d/ü b/y+z": "a/ü b/y+z".encode(), "c d/big": b"a/big", "c d/empty/": b""}
        await place.put("a/x", b"A/X")
        again = await place.obs.sync_over(place.root + "a", place.root + "c d/")
        assert (again.files, again.skipped) == (1, 2)
        assert (await place.all())["c d/x"] == b"A/X"

    async def test_what_was_written_in_parts_is_not_copied_again(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"big": content(3 * PART)})
        await place.obs.sync_up(tmp_path, place.root + "a")
        assert (await place.obs.sync_over(place.root + "a", place.root + "b")).files == 1
        assert (await place.obs.sync_over(place.root + "a", place.root + "b")).skipped == 1

    async def test_patterns_and_delete(self, place: Place) -> None:
        for key in ("a/x", "a/y.log", "b/old", "b/sub/old", "b/kept.log"):
            await place.put(key, b"1")
        planned = await place.obs.plan_over(place.root + "a", place.root + "b", exclude=["*.log"], delete=True)
        assert {(step.action, step.target or step.source) for step in planned} == {
            ("copy", place.root + "b/x"),
            ("remove", place.root + "b/old"),
            ("remove", place.root + "b/sub/old"),
        }
        done = await place.obs.sync_over(place.root + "a", place.root + "b", exclude=["*.log"], delete=True)
        assert (done.files, done.deleted) == (1, 2)
        assert sorted(await place.all()) == ["a/x", "a/y.log", "b/kept.log", "b/x"]

    async def test_what_the_storage_does_not_copy_goes_through_here(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(copying, "_MOST_COPIED", PART)
        await place.put("a/big", content(3 * PART + 7))
        await place.obs.copy(place.root + "a/big", place.root + "one")
        await place.obs.sync_over(place.root + "a", place.root + "b")
        there = await place.all()
        assert there["one"] == there["b/big"] == content(3 * PART + 7)

    async def test_what_makes_no_sense(self, place: Place) -> None:
        await place.put("a/x", b"1")
        for target in ("a", "a/", "a/b", ""):
            with pytest.raises(InvalidArgument, match="in one another"):
                await place.obs.sync_over(place.root + "a", place.root + target)
        with pytest.raises(ObsNotFound, match="no such folder"):
            await place.obs.sync_over(place.root + "none", place.root + "b")
        with pytest.raises(BucketNotFound):
            await place.obs.sync_over(place.root + "a", "obs://there-is-none/")
        assert await place.all() == {"a/x": b"1"}
