"""What object storage promises, on moto's server and on a folder alike."""

import asyncio
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import InvalidArgument
from aiomodelarts.obs import Obs, ObsEntry, ObsPath, Progress, TransferLimits
from aiomodelarts.obs._transfer import copy as copying
from aiomodelarts.obs._transfer import sync_down
from aiomodelarts.obs.errors import (
    BucketNotFound,
    ObsChanged,
    ObsExists,
    ObsNotFound,
    ObsRefused,
    SourceVanished,
    TargetIsFile,
    TargetIsFolder,
    TransferIncomplete,
)

from .conftest import SMALL, Place, content, fill, tree

PART = SMALL.part_bytes
NAMES = [
    "plain.txt",
    "with blank.txt",
    "per%cent%41%2F.txt",
    "plus+and&=?#;:@$,'!()*~.txt",
    "数据集/训练 1.bin",
    "Ünïcödé/ñandú.txt",
    "e\u0301 decomposed",
    "emoji 🚀.txt",
    'quote"back`tick<>|^{}[].txt',
    "عربى/ملف.txt",
    "a/b/c/d/e/f/g/h.txt",
    ".hidden",
    "no extension",
    "x" * 200,
]


async def listed(place: Place, path: str, *, recursive: bool = False) -> list[str]:
    return [str(entry.path).removeprefix(place.root) async for entry in place.obs.list(path, recursive=recursive)]


class TestTheFourOfTheOfficialSdk:
    async def test_upload_file_takes_the_base_name(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"sub/model.bin": content(3)})
        done = await place.obs.upload_file(tmp_path / "sub" / "model.bin", place.root + "out/")
        assert await place.all() == {"out/model.bin": content(3)}
        assert (done.files, done.bytes) == (1, 3)

    async def test_upload_dir_places_the_directory_itself(self, place: Place, tmp_path: Path) -> None:
        files = {"a.txt": b"a", "deep/er/b.txt": b"", "c": content(3 * PART + 1)}
        await fill(tmp_path / "src", files)
        await asyncio.to_thread((tmp_path / "src" / "empty").mkdir)
        done = await place.obs.upload_dir(f"{tmp_path}/src/", place.root + "code/")
        assert await place.all() == {f"code/src/{name}": held for name, held in files.items()}
        assert done.files == 3

    async def test_download_file_takes_the_base_name(self, place: Place, tmp_path: Path) -> None:
        await place.put("out/model.bin", content(5))
        await place.obs.download_file(place.root + "out/model.bin", f"{tmp_path}/here/")
        assert await tree(tmp_path / "here") == {"model.bin": content(5)}

    async def test_download_dir_places_the_directory_itself(self, place: Place, tmp_path: Path) -> None:
        files = {"a.txt": b"a", "deep/er/b.txt": b"", "c": content(3 * PART + 1)}
        for name, held in files.items():
            await place.put(f"data/train/{name}", held)
        await place.put("data/train/empty/", b"")
        await place.put("data/training/other", b"not this one")
        await place.obs.download_dir(place.root + "data/train/", f"{tmp_path}/here/")
        assert await tree(tmp_path / "here") == {f"train/{name}": held for name, held in files.items()}

    async def test_a_folder_of_objects_ends_with_a_slash(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"f": b""})
        for call in (place.obs.upload_file, place.obs.upload_dir, place.obs.download_dir):
            with pytest.raises(InvalidArgument, match="slash"):
                await call(str(tmp_path / "f"), place.root + "out")  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="folder"):
            await place.obs.download_file(place.root + "out/", tmp_path)
        assert await place.all() == {}


class TestNames:
    async def test_every_name_goes_up_and_comes_down(self, place: Place, tmp_path: Path) -> None:
        files = {name: name.encode() for name in NAMES}
        await fill(tmp_path / "src", files)
        await place.obs.sync_up(tmp_path / "src", place.root)
        assert await place.all() == files
        assert sorted(await listed(place, place.root, recursive=True)) == sorted(files)
        await place.obs.sync_down(place.root, tmp_path / "back")
        assert await tree(tmp_path / "back") == files

    async def test_every_name_by_itself(self, place: Place) -> None:
        for name in NAMES:
            path = f"/{place.bucket}/{name}"
            await place.obs.write(path, name.encode())
            assert await place.obs.read(path) == name.encode()
            assert (await place.obs.stat(path)).size == len(name.encode())
            await place.obs.copy(path, f"{path}.copy")
            assert await place.obs.read(f"{path}.copy") == name.encode()
            assert await place.obs.delete(path) == 1
            assert not await place.obs.exists(path)
        assert sorted(await place.all()) == sorted(f"{name}.copy" for name in NAMES)

    async def test_what_others_wrote(self, place: Place, tmp_path: Path) -> None:
        files = {name: name.encode() for name in NAMES}
        for name, held in files.items():
            await place.put(name, held)
        await place.obs.sync_down(place.root, tmp_path / "back")
        assert await tree(tmp_path / "back") == files


class TestFolders:
    async def test_a_marker_is_a_folder_and_never_a_file(self, place: Place, tmp_path: Path) -> None:
        await place.put("data/", b"")
        await place.put("data/empty/", b"")
        await place.put("data/full/", b"")
        await place.put("data/full/x", b"x")
        entries = {str(entry.path): entry async for entry in place.obs.list(place.root, recursive=True)}
        assert entries[place.root + "data/empty/"].is_folder
        assert not entries[place.root + "data/full/x"].is_folder
        assert place.root + "data/empty" not in entries
        done = await place.obs.sync_down(place.root, tmp_path / "back")
        assert await tree(tmp_path / "back") == {"data/full/x": b"x", "data/empty/": b""}
        assert done.files == 1

    async def test_an_empty_folder_gets_a_marker(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path / "src", {"a": b"a"})
        await asyncio.to_thread((tmp_path / "src" / "leer ü" / "tief").mkdir, parents=True)
        await place.obs.sync_up(tmp_path / "src", place.root + "p/")
        assert await place.all() == {"p/a": b"a", "p/leer ü/tief/": b""}
        await place.obs.sync_down(place.root + "p", tmp_path / "back")
        assert await tree(tmp_path / "back") == {"a": b"a", "leer ü/tief/": b""}

    async def test_a_marker_is_written_found_and_removed(self, place: Place) -> None:
        entry = await place.obs.write(place.root + "a/marker/", b"")
        assert entry.is_folder
        assert entry.size == 0
        assert await place.all() == {"a/marker/": b""}
        assert await place.obs.exists(place.root + "a/marker/")
        assert await place.obs.exists(place.root + "a/marker")
        assert await place.obs.exists(place.root + "a")
        assert await place.obs.delete(place.root + "a/marker/") == 1
        assert await place.all() == {}

    async def test_a_marker_has_no_content(self, place: Place) -> None:
        with pytest.raises(InvalidArgument, match="no content"):
            await place.obs.write(place.root + "a/", b"x")
        with pytest.raises(InvalidArgument, match="names a folder"):
            place.obs.open(place.root + "a/", "wb")

    async def test_one_level_is_told_as_a_listing_of_files_is(self, place: Place) -> None:
        for key in ("a", "b/c", "b/d/e", "b/", "ab/x", "z/"):
            await place.put(key, b"" if key.endswith("/") else b"1")
        assert await listed(place, place.root) == ["a", "ab/", "b/", "z/"]
        assert await listed(place, place.root + "b") == ["b/c", "b/d/"]
        assert await listed(place, place.root + "b/") == ["b/c", "b/d/"]
        assert await listed(place, place.root + "nothing/") == []

    async def test_more_keys_than_a_page_holds(self, place: Place) -> None:
        expected = [f"k/{i:03}" for i in range(45)]
        await asyncio.gather(*[place.put(key, b"") for key in expected])
        assert await listed(place, place.root + "k/") == expected
        assert await listed(place, place.root, recursive=True) == expected
        assert await place.obs.delete(place.root + "k", recursive=True) == 45
        assert await place.all() == {}


class TestObjects:
    async def test_sizes_around_a_part(self, place: Place, tmp_path: Path) -> None:
        for size in (0, 1, PART - 1, PART, PART + 1, 2 * PART, 5 * PART + 17):
            held = content(size, size)
            await fill(tmp_path, {f"up{size}": held})
            await place.obs.put_file(tmp_path / f"up{size}", f"{place.root}o{size}")
            await place.obs.get_file(f"{place.root}o{size}", tmp_path / f"down{size}")
            assert (await tree(tmp_path))[f"down{size}"] == held
            assert (await place.all())[f"o{size}"] == held
            assert await place.obs.read(f"{place.root}o{size}") == held
            await place.obs.write(f"{place.root}w{size}", held)
            assert (await place.all())[f"w{size}"] == held

    async def test_what_is_known_of_an_object(self, place: Place) -> None:
        await place.put("k", b"abc")
        entry = await place.obs.stat(place.root + "k")
        assert entry == ObsEntry(ObsPath(place.bucket, "k"), 3, entry.modified, entry.etag)
        assert entry.modified is not None
        assert entry.modified.tzinfo is not None
        told = [one async for one in place.obs.list(place.root)]
        assert [(one.path, one.size, one.etag) for one in told] == [(entry.path, entry.size, entry.etag)]

    async def test_streams(self, place: Place) -> None:
        held = content(3 * PART + 5)
        async with place.obs.open(place.root + "s", "wb") as writer:
            for at in range(0, len(held), 1000):
                assert await writer.write(held[at : at + 1000]) == len(held[at : at + 1000])
        assert await place.all() == {"s": held}
        async with place.obs.open(place.root + "s") as reader:
            assert await reader.read(10) == held[:10]
            assert b"".join([chunk async for chunk in reader]) == held[10:]
            assert await reader.read() == b""
        async with place.obs.open(place.root + "e", "wb"):
            pass
        assert await place.obs.read(place.root + "e") == b""

    @pytest.mark.parametrize("size", [10, 5 * PART])
    async def test_a_stream_that_ends_with_an_error_leaves_nothing(self, place: Place, size: int) -> None:
        await place.put("s", b"before")
        with pytest.raises(ZeroDivisionError):
            async with place.obs.open(place.root + "s", "wb") as writer:
                await writer.write(bytes(size))
                raise ZeroDivisionError
        assert await place.all() == {"s": b"before"}

    async def test_what_is_not_there(self, place: Place, tmp_path: Path) -> None:
        for call in (place.obs.stat, place.obs.read):
            with pytest.raises(ObsNotFound, match="no such object"):
                await call(place.root + "no")
        with pytest.raises(ObsNotFound):
            await place.obs.download_file(place.root + "no", tmp_path)
        with pytest.raises(ObsNotFound):
            await place.obs.download_dir(place.root + "no/", tmp_path)
        with pytest.raises(ObsNotFound):
            await place.obs.copy(place.root + "no", place.root + "other")
        with pytest.raises(SourceVanished):
            await place.obs.upload_file(tmp_path / "no", place.root)
        with pytest.raises(SourceVanished):
            await place.obs.upload_dir(tmp_path / "no", place.root)
        assert not await place.obs.exists(place.root + "no")
        assert await place.obs.delete(place.root + "no") == 0
        assert await place.obs.delete(place.root + "no", recursive=True) == 0
        assert await tree(tmp_path) == {}

    async def test_a_bucket_that_is_not_there(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"f": b"1", "big": content(3 * PART)})
        missing = "obs://there-is-none/"
        for name in ("f", "big"):
            with pytest.raises(BucketNotFound, match="no bucket"):
                await place.obs.upload_file(tmp_path / name, missing)
        for work in (
            place.obs.sync_up(tmp_path, missing),
            place.obs.sync_down(missing, tmp_path / "d"),
            place.obs.read(missing + "k"),
            place.obs.write(missing + "k", b""),
            place.obs.stat(missing + "k"),
        ):
            with pytest.raises(BucketNotFound, match="there-is-none"):
                await work
        assert not await place.obs.exists(missing + "k")

    async def test_deleting_a_folder_has_to_be_meant(self, place: Place) -> None:
        for key in ("d/a", "d/e/b", "da"):
            await place.put(key, b"1")
        with pytest.raises(ObsRefused, match="recursive"):
            await place.obs.delete(place.root + "d/")
        assert await place.obs.delete(place.root + "d/", recursive=True) == 2
        assert await place.all() == {"da": b"1"}

    async def test_copy_into_a_folder(self, place: Place) -> None:
        await place.put("a b/ü.txt", b"1")
        await place.obs.copy(place.root + "a b/ü.txt", place.root + "c+d/")
        assert await place.all() == {"a b/ü.txt": b"1", "c+d/ü.txt": b"1"}


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

        def digest(file: Path, *_: object) -> str:
            digests.append(file)
            return "another"

        monkeypatch.setattr(sync_down, "digest_file", digest)
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


class TestResuming:
    async def test_parts_of_an_object_that_was_written_anew_are_not_taken_over(
        self, place: Place, tmp_path: Path
    ) -> None:
        before, after = content(12 * PART, 1), content(12 * PART, 2)
        await place.put("big", before)
        with pytest.raises(ZeroDivisionError):
            await place.obs.download_file(place.root + "big", tmp_path, progress=_ends_at(5 * PART))
        assert [name for name in await tree(tmp_path) if name.endswith(".journal")]
        await place.put("big", after)
        seen: list[Progress] = []
        await place.obs.download_file(place.root + "big", tmp_path, progress=seen.append)
        assert await tree(tmp_path) == {"big": after}
        # Nothing was there, and nothing had to be given up.
        assert [one.bytes_done for one in seen] == sorted(one.bytes_done for one in seen)
        assert seen[1].bytes_done <= PART


def _ends_at(count: int) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        if progress.bytes_done >= count:
            raise ZeroDivisionError

    return tell


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


class TestAtOnce:
    async def test_what_is_there_is_left_alone_when_asked(self, place: Place) -> None:
        path = place.root + "code/once"
        await place.obs.write(path, b"first", if_absent=True)
        for held in (b"second", content(3 * PART)):
            with pytest.raises(ObsExists, match="already"):
                await place.obs.write(path, held, if_absent=True)
        assert await place.all() == {"code/once": b"first"}
        await place.obs.write(path, b"over")
        assert await place.obs.read(path) == b"over"

    async def test_one_of_several_who_write_what_is_absent_succeeds(self, place: Place) -> None:
        if place.moto is not None:
            pytest.skip("moto looks first and writes then, which is not what a storage does")
        writes = [place.obs.write(place.root + "k", b"%d" % i, if_absent=True) for i in range(6)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        (written,) = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, ObsEntry)]
        assert [type(one) for one in outcomes if not isinstance(one, ObsEntry)] == [ObsExists] * 5
        assert await place.all() == {"k": b"%d" % written}

    async def test_an_object_that_changes_while_it_is_read(self, place: Place) -> None:
        await place.put("k", content(3 * PART))
        async with place.obs.open(place.root + "k") as reader:
            assert await reader.read(10) == content(3 * PART)[:10]
            await place.put("k", content(3 * PART, 1))
            with pytest.raises(ObsChanged, match="anew"):
                await reader.read()

    async def test_never_more_than_the_ceilings_allow(self, place: Place, tmp_path: Path) -> None:
        store = await place.obs._opened()
        now = {"bytes": 0, "transfers": 0}
        most = dict(now)

        class Counted(type(store)):  # type: ignore[misc]
            async def _held(self, size: int, work: Any) -> Any:
                now["bytes"] += size
                now["transfers"] += 1
                most.update({name: max(most[name], now[name]) for name in now})
                try:
                    return await work
                finally:
                    now["bytes"] -= size
                    now["transfers"] -= 1

            async def put(self, path: ObsPath, held: bytes, **options: Any) -> Any:
                return await self._held(len(held), super().put(path, held, **options))

            async def get(self, entry: ObsEntry, start: int, end: int) -> Any:
                return await self._held(end - start, super().get(entry, start, end))

        store.__class__ = Counted
        try:
            files = {f"f{i}": content(PART - i, i) for i in range(40)} | {"big": content(20 * PART)}
            await fill(tmp_path / "src", files)
            await place.obs.sync_up(tmp_path / "src", place.root)
            await place.obs.sync_down(place.root, tmp_path / "back")
        finally:
            store.__class__ = Counted.__bases__[0]
        assert await tree(tmp_path / "back") == files
        assert 4 < most["transfers"] <= SMALL.transfers
        assert most["bytes"] <= SMALL.bytes_in_flight

    async def test_what_came_in_is_let_go_before_more_is_asked_for(self, place: Place, tmp_path: Path) -> None:
        store = await place.obs._opened()
        alive, most = [0], [0]

        class Watched(type(store)):  # type: ignore[misc]
            async def get(self, entry: ObsEntry, start: int, end: int) -> Any:
                for _ in range(200):
                    # A thread that has done its work needs a moment to let go of what it was given.
                    if alive[0] + end - start <= 4 * PART:
                        break
                    await asyncio.sleep(0.01)
                most[0] = max(most[0], alive[0] + end - start)
                held = memoryview(bytearray(await super().get(entry, start, end)))
                alive[0] += end - start
                weakref.finalize(held, let_go, end - start)
                return held

        def let_go(size: int) -> None:
            alive[0] -= size

        async def opened() -> Any:
            watched = Watched.__new__(Watched)
            watched.__dict__.update(store.__dict__)
            return watched

        files = {f"f{i}": content(PART - i, i) for i in range(30)} | {"big": content(40 * PART)}
        for name, held in files.items():
            await place.put(name, held)
        obs = Obs(opened, TransferLimits(transfers=8, bytes_in_flight=4 * PART, part_bytes=PART))
        await obs.sync_down(place.root, tmp_path)
        assert await tree(tmp_path) == files
        async with obs.open(place.root + "big") as reader:
            async for _ in reader:
                pass
        assert 0 < most[0] <= 4 * PART
