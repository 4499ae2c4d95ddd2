"""``aiomodelarts obs`` as a user calls it, on moto's server and on the local platform's folder."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from tests.obs.conftest import ACCESS_KEY, SECRET_KEY, Moto, moto, moto_server

from .calls import environment

__all__ = ["moto", "moto_server"]

Done = subprocess.CompletedProcess[str]


@frozen
class Side:
    """One kind of bucket, and what it takes to reach it."""

    bucket: str
    more: tuple[str, ...]
    call: Callable[..., Done]
    read: Callable[[], dict[str, bytes]]

    def __call__(self, command: str, *arguments: str, code: int = 0) -> Done:
        done = self.call("obs", command, *arguments, *self.more)
        assert done.returncode == code, done.stderr
        return done

    def at(self, key: str = "") -> str:
        return f"obs://{self.bucket}/{key}"


def settings(moto: Moto) -> dict[str, str]:
    return {
        "HUAWEICLOUD_SDK_AK": ACCESS_KEY,
        "HUAWEICLOUD_SDK_SK": SECRET_KEY,
        "HUAWEICLOUD_SDK_PROJECT_ID": "0123456789abcdef",
        "AIOMODELARTS_MODELARTS_ENDPOINT": "http://127.0.0.1:9",
        "AIOMODELARTS_OBS_ENDPOINT": moto.endpoint,
    }


@pytest.fixture(params=["moto", "local"])
def side(
    request: pytest.FixtureRequest, project: Path, called: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> Side:
    for path, content in {"src/a.txt": "one", "src/sub/b.txt": "two", "src/c.bin": "three"}.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(content)
    if request.param == "local":
        folder = project / ".aiomodelarts/local/obs/bucket"
        folder.mkdir(parents=True)
        return Side("bucket", ("--local",), called, lambda: _files(folder))
    moto: Moto = request.getfixturevalue("moto")
    for name, value in settings(moto).items():
        monkeypatch.setenv(name, value)
    bucket = moto.bucket()

    def read() -> dict[str, bytes]:
        client = moto.client()
        rows = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {row["Key"]: client.get_object(Bucket=bucket, Key=row["Key"])["Body"].read() for row in rows}

    return Side(bucket, (), called, read)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_one_file_goes_up_and_comes_down_under_the_name_that_was_meant(side: Side, project: Path) -> None:
    side("cp", "src/a.txt", side.at("x/"))
    side("cp", "src/a.txt", side.at("other.txt"))
    side("cp", "src/a.txt", "src/c.bin", side.at())
    assert set(side.read()) == {"x/a.txt", "other.txt", "a.txt", "c.bin"}
    side("cp", side.at("x/a.txt"), ".")
    side("cp", side.at("c.bin"), "down/")
    assert "1 file, 3 bytes" in side("cp", side.at("other.txt"), "named.txt").stdout
    assert (project / "a.txt").read_text() == (project / "named.txt").read_text() == "one"
    assert (project / "down/c.bin").read_text() == "three"
    side("cp", side.at("a.txt"), side.at("copied/"))
    assert side.read()["copied/a.txt"] == b"one"


def test_a_folder_goes_up_comes_down_and_is_copied(side: Side, project: Path) -> None:
    assert "3 files" in side("cp", "-r", "src", side.at("code")).stdout
    assert set(side.read()) == {"code/a.txt", "code/sub/b.txt", "code/c.bin"}
    assert "0 files, 0 bytes; 3 there already" in side("cp", "-r", "src", side.at("code")).stdout
    side("cp", "-r", side.at("code"), "down", "--exclude", "*.bin")
    assert _files(project / "down") == {"a.txt": b"one", "sub/b.txt": b"two"}
    side("cp", "-r", side.at("code/"), side.at("again"), "--include", "sub/")
    assert side.read()["again/sub/b.txt"] == b"two"
    assert "again/a.txt" not in side.read()


def test_sync_removes_only_when_it_is_told_to_and_says_beforehand_what(side: Side, project: Path) -> None:
    side("sync", "src", side.at("code"))
    (project / "src/c.bin").unlink()
    (project / "src/new.txt").write_text("new")
    told = json.loads(side("sync", "src", side.at("code"), "--delete", "--dryrun", "-o", "json").stdout)
    assert {one["action"]: one["target"] or one["source"] for one in told} == {
        "upload": side.at("code/new.txt"),
        "remove": side.at("code/c.bin"),
    }
    assert set(side.read()) == {"code/a.txt", "code/sub/b.txt", "code/c.bin"}
    side("sync", "src", side.at("code"))
    assert "code/c.bin" in side.read()
    done = json.loads(side("sync", "src", side.at("code"), "--delete", "-o", "json").stdout)
    assert (done["files"], done["deleted"]) == (0, 1)
    assert "code/c.bin" not in side.read()
    (project / "down").mkdir()
    (project / "down/stray").write_text("")
    assert "would remove down/stray" in side("sync", side.at("code"), "down", "--delete", "--dryrun").stdout
    side("sync", side.at("code"), "down")
    assert (project / "down/stray").exists()
    side("sync", side.at("code"), "down", "--delete")
    assert set(_files(project / "down")) == {"a.txt", "sub/b.txt", "new.txt"}


def test_sync_between_buckets_copies_what_differs_and_removes_only_when_it_is_told_to(side: Side) -> None:
    side("cp", "-r", "src", side.at("code"))
    assert "3 files" in side("sync", side.at("code"), side.at("again")).stdout
    side("rm", side.at("code/c.bin"))
    side("cp", "src/c.bin", side.at("code/a.txt"))
    told = side("sync", side.at("code"), side.at("again/"), "--delete", "--dry-run").stdout
    assert f"would copy {side.at('code/a.txt')} to {side.at('again/a.txt')}" in told
    assert f"would remove {side.at('again/c.bin')}" in told
    assert "2 to do" in told
    assert "1 file, 5 bytes; 1 there already" in side("cp", "-R", side.at("code"), side.at("again")).stdout
    assert side.read()["again/c.bin"] == b"three"
    assert "2 there already, 1 removed" in side("sync", side.at("code"), side.at("again"), "--delete").stdout
    assert {key for key in side.read() if key.startswith("again/")} == {"again/a.txt", "again/sub/b.txt"}
    for target in ("down", side.at("more")):
        assert "no folder but an object" in side("cp", "-r", side.at("code/a.txt"), target, code=1).stderr
    assert "in one another" in side("sync", side.at("code"), side.at("code/sub"), code=2).stderr


def test_several_files_go_at_once_and_one_that_is_missing_is_named(side: Side, project: Path) -> None:
    names = [f"f{number}" for number in range(15)]
    for name in names:
        (project / name).write_text(name)
    assert "15 files, 35 bytes" in side("cp", *names, side.at("many/")).stdout
    assert side.read() == {f"many/{name}": name.encode() for name in names}
    assert "nowhere: there is no such file" in side("cp", "nowhere", "f1", "f2", side.at("x/"), code=1).stderr
    assert "2 of 3 failed" in side("cp", "nowhere", "f3", "nor/here", side.at("x/"), code=1).stderr
    assert {key for key in side.read() if key.startswith("x/")} == {"x/f1", "x/f2", "x/f3"}
    (project / "sub").mkdir()
    (project / "sub/f1").write_text("another")
    assert "one would be lost" in side("cp", "f1", "sub/f1", side.at("x/"), code=2).stderr


def test_ls_tells_one_level_or_all(side: Side) -> None:
    side("cp", "-r", "src", side.at("code"))
    level = json.loads(side("ls", side.at("code"), "-o", "json").stdout)
    assert [(one["path"], one["folder"]) for one in level] == [
        (side.at("code/a.txt"), False),
        (side.at("code/c.bin"), False),
        (side.at("code/sub/"), True),
    ]
    assert side.at("code/sub/b.txt") in side("ls", "-r", side.at()).stdout
    long = f"{'n' * 90}/{'m' * 90}"
    side("cp", "src/a.txt", side.at(long))
    lines = side("ls", "-r", side.at()).stdout.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(rf"[0-9-]+ [0-9:]+ +3 bytes  {side.at(long)}", lines[-1])
    side("rm", side.at(long))
    assert "3 bytes" in side("ls", side.at("code/a.txt")).stdout
    assert "no such object" in side("ls", side.at("nothing"), code=1).stderr
    assert "no bucket" in side("ls", "obs://no-such-bucket-here/", code=1).stderr


def test_rm_takes_a_folder_only_when_it_is_told_to(side: Side) -> None:
    side("cp", "-r", "src", side.at("code"))
    assert "say -r" in side("rm", side.at("code/"), code=2).stderr
    assert "say --yes" in side("rm", "-r", side.at(), code=2).stderr
    assert "no such object" in side("rm", side.at("code"), code=1).stderr
    assert len(side("rm", "-r", side.at("code"), "--dryrun").stdout.splitlines()) >= 4
    assert len(side.read()) == 3
    assert "1 removed" in side("rm", "-r", side.at("code"), "--include", "*.bin").stdout
    side("rm", side.at("code/a.txt"))
    assert set(side.read()) == {"code/sub/b.txt"}
    assert "1 removed" in side("rm", "-r", side.at("code")).stdout
    side("cp", "src/a.txt", side.at())
    assert "1 removed" in side("rm", "-r", side.at(), "--yes").stdout
    assert side.read() == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("cp", "a", "b"), "one side is in a bucket"),
        (("cp", "src", "obs://bucket/"), "say -r"),
        (("cp", "-r", "src/a.txt", "obs://bucket/"), "leave out -r"),
        (("cp", "obs://bucket/x/", "."), "say -r"),
        (("cp", "src/a.txt", "src/c.bin", "obs://bucket/name"), "end it with a slash"),
        (("cp", "-", "obs://bucket/"), "give that of the object"),
        (("cp", "-r", "-", "obs://bucket/x"), "one file by itself"),
        (("cp", "--include", "*.py", "src/a.txt", "obs://bucket/"), "say -r"),
        (("cp", "s3://bucket/x", "."), "begins with obs://"),
        (("cp", "src/a.txt", "obs://bucket/../x"), "'..'"),
        (("ls", "/bucket/x"), "as in obs://bucket/key"),
        (("cat", "obs://bucket/x/"), "it names a folder"),
    ],
)
@pytest.mark.parametrize("side", ["local"], indirect=True)
def test_what_cannot_be_meant_is_a_matter_of_usage(side: Side, arguments: tuple[str, ...], told: str) -> None:
    assert told in side(*arguments, code=2).stderr


def test_presign_gives_an_address_that_works(moto: Moto, called: Callable[..., Done], side: Side) -> None:
    side("cp", "src/a.txt", side.at())
    if side.more:
        assert "has no addresses" in side("presign", side.at("a.txt"), code=1).stderr
        return
    import urllib.request

    address = side("presign", side.at("a.txt"), "--expires", "60").stdout.strip()
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == b"one"


def test_foreign_keys_and_a_server_that_is_not_there_are_not_the_users_fault(
    moto: Moto, called: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings(moto).items():
        monkeypatch.setenv(name, value)
    moto.faults({"method": "GET", "path": "/", "kind": "status", "status": "403 F", "code": "AccessDenied", "count": 9})
    assert called("obs", "ls", "obs://some-bucket/").returncode == 3


def piped(moto: Moto, folder: Path, *arguments: str, columns: str = "80", **more: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-W", "error", "-m", "aiomodelarts.cli", "obs", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen(command, cwd=folder, env=environment(**settings(moto), COLUMNS=columns), **pipes)  # type: ignore[call-overload,no-any-return]


def test_streams_go_through_whole(moto: Moto, tmp_path: Path) -> None:
    bucket, content = moto.bucket(), os.urandom(3_000_000)
    with piped(moto, tmp_path, "cp", "-", f"obs://{bucket}/stream") as process:
        _, err = process.communicate(content, timeout=60)
    assert process.returncode == 0, err
    assert moto.client().get_object(Bucket=bucket, Key="stream")["Body"].read() == content
    for arguments in (("cp", f"obs://{bucket}/stream", "-"), ("cat", f"obs://{bucket}/stream")):
        with piped(moto, tmp_path, *arguments) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out == content) == (0, True), err
    (tmp_path / "file").write_bytes(content)
    with (
        (tmp_path / "file").open("rb") as file,
        piped(moto, tmp_path, "cp", "-", f"obs://{bucket}/b", stdin=file) as process,
    ):
        process.communicate(timeout=60)
    assert moto.client().head_object(Bucket=bucket, Key="b")["ContentLength"] == len(content)


def test_a_reader_that_has_enough_is_no_reason_to_complain(moto: Moto, tmp_path: Path) -> None:
    bucket, content = moto.bucket(), os.urandom(30_000_000)
    moto.client().put_object(Bucket=bucket, Key="large", Body=content)
    for arguments in (("cat", f"obs://{bucket}/large"), ("cp", f"obs://{bucket}/large", "-")):
        with piped(moto, tmp_path, *arguments) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(10) == content[:10]
            process.stdout.close()
            err = process.stderr.read()
        assert (process.returncode, err) == (128 + signal.SIGPIPE, b"")


def test_ls_tells_what_comes_as_it_comes(moto: Moto, tmp_path: Path) -> None:
    bucket, client = moto.bucket(), moto.client()
    for number in range(30):
        client.put_object(Bucket=bucket, Key=f"k{number:02}", Body=b"1")
    page = {"method": "GET", "path": f"^/{bucket}/?$"}
    denied = {"kind": "status", "status": "403 Forbidden", "code": "AccessDenied", "count": 10}
    moto.faults({**page, "kind": "delay", "seconds": 0, "count": 1}, {**page, **denied})
    with piped(moto, tmp_path, "ls", f"obs://{bucket}/") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.count(b"\n")) == (3, 20), err


def test_keys_of_others_do_nothing_to_a_terminal(moto: Moto, tmp_path: Path) -> None:
    bucket = moto.bucket()
    moto.client().put_object(Bucket=bucket, Key="red \x1b[31m", Body=b"1")
    with piped(moto, tmp_path, "ls", f"obs://{bucket}/") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.rstrip().endswith(rb"red \x1b[31m")


def test_an_interrupted_stream_leaves_no_object(moto: Moto, tmp_path: Path) -> None:
    bucket = moto.bucket()
    with piped(moto, tmp_path, "cp", "-", f"obs://{bucket}/stream") as process:
        assert process.stdin is not None
        # More than a pipe holds, so it is being read when this returns.
        process.stdin.write(b"x" * 100_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert "Contents" not in moto.client().list_objects_v2(Bucket=bucket)


def test_an_interrupted_download_leaves_no_half_file_under_its_name(moto: Moto, tmp_path: Path) -> None:
    bucket = moto.bucket()
    moto.client().put_object(Bucket=bucket, Key="large", Body=os.urandom(20_000_000))
    moto.faults({"method": "GET", "path": "large", "kind": "delay", "seconds": 20, "count": 99})
    with piped(moto, tmp_path, "cp", f"obs://{bucket}/large", "here") as process:
        until = time.monotonic() + 60
        while f"GET /{bucket}/large" not in moto.counts():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_bar_keeps_to_one_line_of_a_terminal_and_is_nowhere_else(moto: Moto, tmp_path: Path, width: int) -> None:
    bucket = moto.bucket()
    (tmp_path / "large").write_bytes(os.urandom(2_000_000))
    shown, out = on_terminal(moto, tmp_path, width, "cp", "large", f"obs://{bucket}/")
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip() for line in re.split(r"[\r\n]+", shown.decode())]
    assert max(map(len, lines)) <= width
    assert b"2.0 MB" in out
    if width == 20:
        assert "100%" in lines
    else:
        # How much, the rate and the time that is left.
        assert any(re.search(r"2\.0/2\.0 MB .*(MB/s|\?) .*[-0-9]:[-0-9]{2}:[-0-9]{2}$", line) for line in lines), lines
    with piped(moto, tmp_path, "cp", "large", f"obs://{bucket}/again") as process:
        _, err = process.communicate(timeout=60)
    assert err == b""


def on_terminal(moto: Moto, folder: Path, width: int, *arguments: str) -> tuple[bytes, bytes]:
    """What a command shows on a terminal, and what it prints."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    with piped(moto, folder, *arguments, stderr=theirs, columns=str(width)) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    return shown, out
