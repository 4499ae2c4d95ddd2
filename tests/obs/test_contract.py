"""What object storage promises, on moto's server and on a folder alike."""

import asyncio
from pathlib import Path

import pytest

from aiomodelarts import InvalidArgument
from aiomodelarts.obs import ObsEntry, ObsPath
from aiomodelarts.obs.errors import (
    BucketNotFound,
    ObsNotFound,
    ObsRefused,
    SourceVanished,
)

from .conftest import PART, Place, content, fill, tree

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
