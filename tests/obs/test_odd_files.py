"""Files that are none, files under two names, and arguments that are nearly right."""

import array
import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import InvalidArgument
from aiomodelarts.obs._aside import aside
from aiomodelarts.obs._transfer import flow
from aiomodelarts.obs._transfer.digest import digest_for
from aiomodelarts.obs.errors import LocalRefused, SourceChanged, TargetIsFolder, TransferIncomplete, UnusableName
from aiomodelarts.obs.standalone import obs_at

from .conftest import ACCESS_KEY, SECRET_KEY, SMALL, Moto, Place, content, fill, tree

PART = SMALL.part_bytes
# Its size is told as 0, as of everything that the kernel makes up when it is asked.
MADE_UP = "/proc/self/status"


class TestSources:
    @pytest.mark.parametrize("name", ["/dev/null", "/dev/zero"])
    async def test_a_device_is_not_sent(self, place: Place, name: str) -> None:
        with pytest.raises(UnusableName, match="device or a pipe"):
            await place.obs.put_file(name, place.root + "k")
        assert await place.all() == {}

    async def test_a_pipe_is_not_sent(self, place: Place, tmp_path: Path) -> None:
        await aside(os.mkfifo, tmp_path / "pipe")
        with pytest.raises(UnusableName, match="stream"):
            await place.obs.put_file(tmp_path / "pipe", place.root + "k")
        assert await place.all() == {}

    @pytest.mark.skipif(not Path(MADE_UP).exists(), reason="only Linux has such files")
    async def test_a_file_that_holds_more_than_its_size(self, place: Place) -> None:
        with pytest.raises(SourceChanged, match="its size"):
            await place.obs.put_file(MADE_UP, place.root + "k")
        assert await place.all() == {}

    async def test_a_link_to_itself_can_be_left_out(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"a": b"a"})
        await aside((tmp_path / "loop").symlink_to, "loop")
        done = await place.obs.sync_up(tmp_path, place.root, exclude=["loop"])
        assert (done.files, done.left_out) == (1, ("loop",))
        with pytest.raises(TransferIncomplete) as failed:
            await place.obs.sync_up(tmp_path, place.root)
        assert [type(one) for one in failed.value.failures] == [LocalRefused]


class TestTargets:
    @pytest.mark.parametrize("size", [1, 3 * PART])
    async def test_a_file_never_takes_the_place_of_a_pipe(self, place: Place, tmp_path: Path, size: int) -> None:
        await place.put("k", content(size))

        def make() -> None:
            os.mkfifo(tmp_path / "k")
            (tmp_path / "link").symlink_to("k")

        await aside(make)
        obs, source = place.obs, place.root + "k"
        calls: list[Callable[[], Any]] = [
            lambda: obs.get_file(source, tmp_path / "k"),
            lambda: obs.get_file(source, tmp_path / "link"),
            lambda: obs.download_file(source, tmp_path),
        ]
        for call in calls:
            with pytest.raises(LocalRefused, match="device or a pipe"):
                await call()
        with pytest.raises(TransferIncomplete, match="device or a pipe"):
            await obs.sync_down(place.root, tmp_path)
        assert stat.S_ISFIFO((await aside((tmp_path / "k").lstat)).st_mode)

    @pytest.mark.parametrize("size", [1, 3 * PART])
    async def test_a_file_never_takes_the_place_of_a_link_to_a_folder(
        self, place: Place, tmp_path: Path, size: int
    ) -> None:
        await place.put("k", content(size))
        await fill(tmp_path, {"data/mine": b"1"})
        await aside((tmp_path / "k").symlink_to, "data")
        with pytest.raises(TargetIsFolder):
            await place.obs.get_file(place.root + "k", tmp_path / "k")
        with pytest.raises(TransferIncomplete, match="a folder is where"):
            await place.obs.sync_down(place.root, tmp_path)
        assert (await tree(tmp_path))["data/mine"] == b"1"
        assert await aside((tmp_path / "k").is_symlink)

    async def test_delete_spares_what_another_name_leads_to(self, place: Place, tmp_path: Path) -> None:
        await place.put("d/real/a", b"a")
        await place.obs.sync_down(place.root + "d/", tmp_path)
        await aside((tmp_path / "link").symlink_to, "real")
        assert (await place.obs.sync_down(place.root + "d/", tmp_path, delete=True)).deleted == 0
        assert (await tree(tmp_path))["real/a"] == b"a"

    async def test_a_link_that_the_bucket_does_not_have_is_removed_and_nothing_else(
        self, place: Place, tmp_path: Path
    ) -> None:
        await place.put("d/a", b"a")
        await place.obs.sync_down(place.root + "d/", tmp_path)
        await aside((tmp_path / "link").symlink_to, "a")
        assert (await place.obs.sync_down(place.root + "d/", tmp_path, delete=True)).deleted == 1
        assert await tree(tmp_path) == {"a": b"a"}

    async def test_a_file_that_vanishes_while_it_is_compared_is_fetched(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await place.put("k", b"1")
        await place.obs.sync_down(place.root, tmp_path)
        digest_file = flow.digest_file

        def vanishing(check: Callable[[], None], found: Path, digest: Any) -> str:
            found.unlink()
            return digest_file(check, found, digest)

        monkeypatch.setattr(flow, "digest_file", vanishing)
        await place.obs.sync_down(place.root, tmp_path)
        assert await tree(tmp_path) == {"k": b"1"}


class TestArguments:
    async def test_names_that_no_file_has(self, place: Place) -> None:
        await place.put("k", b"1")
        for up in (place.obs.sync_up, place.obs.upload_dir):
            with pytest.raises((UnusableName, InvalidArgument)):
                await up("a\0b", place.root + "d/")
        with pytest.raises(UnusableName):
            await place.obs.put_file("a\0b", place.root + "d/k")
        for down in (place.obs.sync_down, place.obs.download_dir):
            with pytest.raises(UnusableName):
                await down(place.root, "a\0b")
        with pytest.raises(UnusableName):
            await place.obs.get_file(place.root + "k", "a\0b")

    async def test_names_that_are_too_long_for_a_file(self, place: Place, tmp_path: Path) -> None:
        key = place.root + "n" * 300
        if place.folder is not None:
            assert not await place.obs.exists(key)
            assert [entry async for entry in place.obs.list(key)] == []
            with pytest.raises(UnusableName):
                await place.obs.write(key, b"1")
            return
        await place.obs.write(key, b"1")
        await place.obs.write(place.root + "fine", b"2")
        with pytest.raises(TransferIncomplete) as failed:
            await place.obs.sync_down(place.root, tmp_path)
        assert [type(one) for one in failed.value.failures] == [UnusableName]
        assert await tree(tmp_path) == {"fine": b"2"}

    async def test_an_object_onto_itself(self, place: Place) -> None:
        await place.put("d/k", b"1")
        for target in ("d/k", "d/"):
            with pytest.raises(InvalidArgument, match="that is copied"):
                await place.obs.copy(place.root + "d/k", place.root + target)
        assert await place.all() == {"d/k": b"1"}

    async def test_whatever_holds_bytes_is_content(self, place: Place) -> None:
        numbers = array.array("i", range(PART))
        for held in (memoryview(numbers)[:3], memoryview(numbers), bytearray(b"12"), bytearray(content(3 * PART))):
            await place.obs.write(place.root + "k", held)
            assert await place.obs.read(place.root + "k") == bytes(held)
            async with place.obs.open(place.root + "s", "wb") as writer:
                assert await writer.write(held) == len(bytes(held))
            assert await place.obs.read(place.root + "s") == bytes(held)

    async def test_an_object_with_the_name_of_a_folder_counts_when_it_goes_with_it(self, place: Place) -> None:
        if place.folder is not None:
            pytest.skip("a folder cannot hold both")
        await place.put("k", b"1")
        await place.put("k/a", b"1")
        assert await place.obs.delete(place.root + "k", recursive=True) == 2
        assert await place.all() == {}


async def test_content_takes_the_same_way_as_all_else(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = await aside(moto.bucket)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for host in ("127.0.0.1", "localhost"):
        obs = obs_at(moto.endpoint.replace("127.0.0.1", host), "us-east-1", ACCESS_KEY, SECRET_KEY)
        await obs.write(f"obs://{bucket}/{host}", b"1")
        assert await obs.read(f"obs://{bucket}/{host}") == b"1"
        await obs.close()


async def test_folders_that_nobody_may_look_into(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.put("k", b"1")

    def refuse(place: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(LocalRefused, match="Permission denied"):
        await place.obs.plan_down(place.root, tmp_path / "sub")
    if place.folder is not None:
        with pytest.raises(LocalRefused, match="Permission denied"):
            await place.obs.exists(place.root + "k")


def test_an_etag_in_capitals_is_not_compared_with_ours() -> None:
    etag = hashlib.md5(b"1").hexdigest()
    assert digest_for(etag, 1, PART) is not None
    assert digest_for(etag.upper(), 1, PART) is None
    assert digest_for(f"{etag.upper()}-1", 1, PART) is None
