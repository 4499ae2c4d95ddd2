"""What a folder of this machine can hold against a transfer; each is told, and nothing else is lost by it."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import InvalidArgument, SessionClosed
from aiomodelarts.obs import Obs, ObsPath, Progress
from aiomodelarts.obs._transfer import landing, sync_down, sync_up
from aiomodelarts.obs.errors import (
    DiskFull,
    LinkOutside,
    LocalRefused,
    NamesCollide,
    ObsError,
    SourceChanged,
    SourceVanished,
    TargetIsFolder,
    TransferIncomplete,
    UnusableName,
)
from aiomodelarts.obs.selection import Found, Selection

from .conftest import PART, SMALL, Place, content, fill, tree


async def aside(work: Callable[[], object]) -> None:
    await asyncio.to_thread(work)


def kinds(failed: TransferIncomplete) -> dict[str, type[ObsError]]:
    return {Path(one.path).name: type(one) for one in failed.failures}


def once_found(monkeypatch: pytest.MonkeyPatch, disturb: Callable[[], object]) -> None:
    """Have something happen when a folder was looked at, and before anything in it is read."""
    find = sync_up.find

    def disturbed(root: Path, selection: Selection, **options: Any) -> Found:
        found = find(root, selection, **options)
        disturb()
        return found

    monkeypatch.setattr(sync_up, "find", disturbed)


async def disturbed(place: Place, disturb: Callable[[], object]) -> Obs:
    """The same storage, where something happens here after the first part."""
    store = await place.obs._opened()

    class Disturbed(type(store)):  # type: ignore[misc]
        async def put_parts(self, path: ObsPath, parts: Any, part_bytes: int, at_once: int) -> Any:
            async def passed() -> AsyncIterator[bytes]:
                first = True
                async for part in parts:
                    yield part
                    if first:
                        await aside(disturb)
                    first = False

            return await super().put_parts(path, passed(), part_bytes, at_once)

    other = Disturbed.__new__(Disturbed)
    other.__dict__.update(store.__dict__)

    async def opened() -> Any:
        return other

    return Obs(opened, SMALL)


class TestSources:
    async def test_links(self, place: Place, tmp_path: Path) -> None:
        source = tmp_path / "src"
        await fill(source, {"real/a": b"a", "b": b"b"})
        await fill(tmp_path, {"outside/secret": b"s"})

        def link() -> None:
            (source / "inside").symlink_to(source / "b")
            (source / "folder").symlink_to("real")
            (source / "out").symlink_to(tmp_path / "outside" / "secret")
            (source / "outdir").symlink_to("../outside")
            (source / "circle").symlink_to(".")
            (source / "real" / "up").symlink_to("..")
            (source / "nowhere").symlink_to("missing")

        await aside(link)
        with pytest.raises(TransferIncomplete, match="6 could not be moved") as failed:
            await place.obs.sync_up(source, place.root)
        assert kinds(failed.value) == {
            "out": LinkOutside,
            "outdir": LinkOutside,
            "circle": LinkOutside,
            "up": LinkOutside,
            "nowhere": SourceVanished,
        }
        assert await place.all() == {"real/a": b"a", "b": b"b", "inside": b"b", "folder/a": b"a"}
        await place.obs.sync_up(source, place.root, exclude=["out*", "circle", "up", "nowhere"])

    async def test_what_is_no_file(self, place: Place, tmp_path: Path) -> None:
        source = tmp_path / "src"
        await fill(source, {"a": b"a", "new\nline": b"1", "locked/x": b""})

        def make() -> None:
            os.mkfifo(source / "pipe")
            (source / os.fsdecode(b"not-\xff-text")).touch()

        await aside(make)
        with pytest.raises(TransferIncomplete) as failed:
            await asyncio.wait_for(place.obs.sync_up(source, place.root), 20)
        assert set(kinds(failed.value).values()) == {UnusableName}
        assert sorted(one.message.partition(";")[0] for one in failed.value.failures) == [
            "a key has no control characters",
            "a key is text, and this name has bytes that are no UTF-8",
            "it is neither a file nor a folder",
        ]
        assert sorted(await place.all()) == ["a", "locked/x"]
        assert failed.value.done.files == 2

    async def test_a_key_that_gets_too_long(self, place: Place, tmp_path: Path) -> None:
        deep = "/".join(["d" * 200] * 5)
        await fill(tmp_path, {"a": b"a", f"{deep}/f": b"1"})
        with pytest.raises(TransferIncomplete, match="1024 bytes") as failed:
            await place.obs.sync_up(tmp_path, place.root + "prefix-of-its-own/and-more")
        assert [type(one) for one in failed.value.failures] == [UnusableName]
        assert list(await place.all()) == ["prefix-of-its-own/and-more/a"]

    async def test_a_file_and_a_folder_in_each_others_place(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"d/f": b""})
        with pytest.raises(TargetIsFolder, match="upload_dir"):
            await place.obs.upload_file(tmp_path / "d", place.root)
        with pytest.raises(ObsError, match="is a file"):
            await place.obs.upload_dir(tmp_path / "d" / "f", place.root)

    @pytest.mark.parametrize("size", [10, 5 * PART])
    async def test_a_file_that_vanishes(
        self, place: Place, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "src"
        await fill(source, {"a": b"a", "gone": content(size)})
        once_found(monkeypatch, (source / "gone").unlink)
        with pytest.raises(TransferIncomplete) as failed:
            await place.obs.sync_up(source, place.root)
        assert kinds(failed.value) == {"gone": SourceVanished}
        assert await place.all() == {"a": b"a"}

    @pytest.mark.parametrize("size", [10, 5 * PART])
    async def test_a_file_that_changed_since_it_was_found(
        self, place: Place, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = tmp_path / "src"
        await fill(source, {"a": b"a", "log": content(size)})
        once_found(monkeypatch, lambda: (source / "log").write_bytes(b"now longer" + content(size)))
        with pytest.raises(TransferIncomplete) as failed:
            await place.obs.sync_up(source, place.root)
        assert kinds(failed.value) == {"log": SourceChanged}
        assert await place.all() == {"a": b"a"}

    @pytest.mark.parametrize("how", ["grow", "shrink", "same size"])
    async def test_a_file_that_changes_while_it_is_read(self, place: Place, tmp_path: Path, how: str) -> None:
        await place.put("log", b"of before")
        await fill(tmp_path, {"log": content(8 * PART)})
        log = tmp_path / "log"

        def disturb() -> None:
            if how == "grow":
                with log.open("ab") as file:
                    file.write(b"more")
            elif how == "shrink":
                os.truncate(log, 5 * PART)
            else:
                os.utime(log, (1, 1))

        obs = await disturbed(place, disturb)
        with pytest.raises(SourceChanged, match="log: it changed while it was read"):
            await obs.upload_file(log, place.root)
        assert await place.all() == {"log": b"of before"}


class TestDelete:
    async def test_nothing_is_removed_after_a_failure(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path / "src", {"a": b"a"})
        await aside(lambda: (tmp_path / "src" / "out").symlink_to(tmp_path))
        await place.put("up/stray", b"1")
        with pytest.raises(TransferIncomplete):
            await place.obs.sync_up(tmp_path / "src", place.root + "up", delete=True)
        assert await place.all() == {"up/stray": b"1", "up/a": b"a"}
        await fill(tmp_path / "here", {"stray": b"1", "a/in the way": b""})
        with pytest.raises(TransferIncomplete):
            await place.obs.sync_down(place.root + "up", tmp_path / "here", exclude=["stray"], delete=True)
        assert "stray" in await tree(tmp_path / "here")


class TestTargets:
    @pytest.mark.parametrize("size", [10, 5 * PART])
    async def test_a_disk_that_fills(
        self, place: Place, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await place.put("k", content(size))
        await fill(tmp_path, {"k": b"mine"})
        room = [size // 2]
        real = os.pwrite

        def full(handle: int, held: memoryview, at: int) -> int:
            room[0] -= len(held)
            if room[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(handle, held, at)

        with monkeypatch.context() as patched:
            patched.setattr(landing.os, "pwrite", full)
            for work in (place.obs.download_file, place.obs.sync_down):
                with pytest.raises(DiskFull, match="make room"):
                    await work(place.root + "k" * (work == place.obs.download_file), tmp_path)
        assert (await tree(tmp_path))["k"] == b"mine"
        await place.obs.sync_down(place.root, tmp_path)
        assert await tree(tmp_path) == {"k": content(size)}

    async def test_a_link_that_leads_out_of_the_target(self, place: Place, tmp_path: Path) -> None:
        for key in ("out/passwd", "ok", "empty-out/"):
            await place.put(key, b"" if key.endswith("/") else b"1")
        await fill(tmp_path, {"elsewhere/x": b"", "here/y": b""})

        def link() -> None:
            (tmp_path / "here" / "out").symlink_to(tmp_path / "elsewhere")
            (tmp_path / "here" / "empty-out").symlink_to(tmp_path / "elsewhere" / "new")

        await aside(link)
        with pytest.raises(TransferIncomplete) as failed:
            await place.obs.sync_down(place.root, tmp_path / "here")
        assert set(kinds(failed.value).values()) == {LinkOutside}
        assert await tree(tmp_path / "elsewhere") == {"x": b""}
        assert (await tree(tmp_path / "here"))["ok"] == b"1"

    async def test_a_link_in_the_place_of_a_file_is_replaced(self, place: Place, tmp_path: Path) -> None:
        await place.put("k", b"new")
        await fill(tmp_path, {"elsewhere": b"other"})
        await aside((tmp_path / "here").mkdir)
        await aside(lambda: (tmp_path / "here" / "k").symlink_to(tmp_path / "elsewhere"))
        await place.obs.sync_down(place.root, tmp_path / "here")
        assert await tree(tmp_path) == {"elsewhere": b"other", "here/k": b"new"}

    async def test_names_that_this_machine_does_not_tell_apart(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for key in ("A", "a", "Dir/x", "dir/X", "plain"):
            await place.put(key, key.encode())
        monkeypatch.setattr(sync_down, "folds_names", lambda _: True)
        with pytest.raises(TransferIncomplete, match="the same file as") as failed:
            await place.obs.sync_down(place.root, tmp_path)
        assert set(kinds(failed.value).values()) == {NamesCollide}
        assert await tree(tmp_path) == {"A": b"A", "Dir/x": b"Dir/x", "plain": b"plain"}

    async def test_a_machine_that_tells_them_apart_gets_both(self, place: Place, tmp_path: Path) -> None:
        for key in ("A", "a"):
            await place.put(key, key.encode())
        await place.obs.sync_down(place.root, tmp_path)
        assert await tree(tmp_path) == {"A": b"A", "a": b"a"}

    # A folder cannot hold both.
    @pytest.mark.parametrize("place", ["moto"], indirect=True)
    async def test_an_object_and_a_folder_of_one_name(self, place: Place, tmp_path: Path) -> None:
        for key in ("a", "a/b", "c"):
            await place.put(key, key.encode())
        with pytest.raises(TransferIncomplete, match="at once") as failed:
            await place.obs.sync_down(place.root, tmp_path)
        assert kinds(failed.value) == {"a": NamesCollide}
        assert await tree(tmp_path) == {"a/b": b"a/b", "c": b"c"}

    async def test_a_folder_that_cannot_be_written(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await place.put("k", b"1")

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(landing.os, "pwrite", refuse)
        with pytest.raises(LocalRefused, match="Permission denied"):
            await place.obs.download_file(place.root + "k", tmp_path)
        assert await tree(tmp_path) == {}

    async def test_two_at_once_into_one_file(self, place: Place, tmp_path: Path) -> None:
        await place.put("k", content(6 * PART))
        await asyncio.gather(*[place.obs.download_file(place.root + "k", tmp_path) for _ in range(4)])
        assert await tree(tmp_path) == {"k": content(6 * PART)}


class TestArguments:
    async def test_what_makes_no_sense_is_told_before_anything_is_asked(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"f": b""})
        for work in (
            lambda: place.obs.write(place.root + "k", "text"),  # type: ignore[arg-type]
            lambda: place.obs.presign(place.root + "k", method="POST"),
            lambda: place.obs.presign(place.root + "k", expires_s=0),
            lambda: place.obs.presign(place.root),
            lambda: place.obs.copy(place.root, place.root + "k"),
            lambda: place.obs.sync_up(tmp_path, "bucket/x"),
            lambda: place.obs.read("obs://b/../k"),
        ):
            with pytest.raises(InvalidArgument):
                await work()
        with pytest.raises(InvalidArgument, match="rb or wb"):
            place.obs.open(place.root + "k", "r")  # type: ignore[call-overload]
        assert await place.all() == {}

    async def test_after_the_end(self, place: Place) -> None:
        await place.obs.close()
        with pytest.raises(SessionClosed):
            await place.obs.read(place.root + "k")

    async def test_an_error_of_the_progress_callback_ends_the_transfer(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {f"f{i}": b"1" for i in range(20)})

        def tell(progress: Progress) -> None:
            if progress.files_done == 3:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await place.obs.sync_up(tmp_path, place.root, progress=tell)

    async def test_an_ignore_file_that_is_no_text(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {".aiomodelartsignore": b"\xff\xfe", "a": b""})
        with pytest.raises(InvalidArgument, match="UTF-8"):
            await place.obs.sync_up(tmp_path, place.root)
