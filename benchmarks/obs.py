"""Objects up and down beside boto3 with its transfer manager, the vendor's client, and a bare copy.

All clients meet the same server in the same run and take turns, each in a fresh process. ``--server stub`` is
``_obs_stub``, which is fast enough to let a client show what it can; ``--server moto`` is moto's, which is not.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

from attrs import asdict

from ._measure import median
from ._obs_client import Cost, Work

_TIME_LIMIT_S = 900
_MIB = 1024 * 1024
_DOWN = "down-large"
_MEMORY = Path("/dev/shm")
_SERVERS = {"stub": "benchmarks._obs_stub", "moto": "tests.obs.moto_process"}


@contextmanager
def _server(kind: str, delay_s: float) -> Iterator[str]:
    environment = {**os.environ, "S3_UPLOAD_PART_MIN_SIZE": "1"}
    command = [sys.executable, "-m", _SERVERS[kind], *(["--delay", str(delay_s)] if kind == "stub" else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    try:
        endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
        # A bucket: the stub takes any name, and moto wants to be told.
        urlopen(Request(f"{endpoint}/bench", method="PUT", headers={"Content-Length": "0"}), timeout=30).close()
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _fresh(work: Work) -> Cost:
    command = [sys.executable, "-m", "benchmarks._obs_client", json.dumps(asdict(work))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_TIME_LIMIT_S)
    # The vendor's client prints too.
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _files(root: Path, count: int, size: int) -> Path:
    for number in range(count):
        place = root / f"{number % 20:02d}" / f"{number:05d}.bin"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(os.urandom(size))
    return root


def _file(place: Path, size: int) -> Path:
    block = os.urandom(_MIB)
    with place.open("wb") as file:
        for _ in range(size // _MIB):
            file.write(block)
    return place


def _rounds(
    clients: list[str], works: Callable[[str, int], list[Work]], place: Path, rounds: int
) -> dict[tuple[str, str], list[Cost]]:
    costs: dict[tuple[str, str], list[Cost]] = {}
    for number in range(rounds):
        for client in clients if number % 2 == 0 else reversed(clients):
            for work in works(client, number):
                costs.setdefault((client, work.way), []).append(_fresh(work))
            (place / _DOWN).unlink(missing_ok=True)
    return costs


def _idle() -> None:
    """How late a loop is that does nothing: what the machine itself does to one at this hour."""
    cost = _fresh(Work("idle", "", "", "", "", "", "", 0))
    print(f"a loop that does nothing meanwhile is {cost.lag_p99_ms:.1f} ms late, 99 times of 100")


def _table(title: str, costs: dict[tuple[str, str], list[Cost]], amount: float, unit: str) -> None:
    print(f"\n{title}")
    heads = ("wall s", "cpu s", "peak MiB", "grown", "lag p99 ms")
    print(f"{'client':8} {'way':5} {unit + '/s':>10}", *(f"{head:>10}" for head in heads))
    for (client, way), several in costs.items():
        wall, cpu = median([one.wall_s for one in several]), median([one.cpu_s for one in several])
        peak, grown = max(one.peak_mib for one in several), max(one.peak_mib - one.before_mib for one in several)
        lags = [one.lag_p99_ms for one in several if one.lag_p99_ms is not None]
        lag = f"{max(lags):.1f}" if lags else "-"
        told = (f"{wall:.2f}", f"{cpu:.2f}", f"{peak:.0f}", f"{grown:.0f}", lag)
        print(f"{client:8} {way:5} {amount / wall:10.0f}", *(f"{one:>10}" for one in told))


def main() -> None:
    """Run what was asked for, and print tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--server", choices=tuple(_SERVERS), default="stub")
    options.add_argument(
        "--delay", type=float, default=0.0, help="of the stub, from a whole request to its answer, in s"
    )
    options.add_argument("--files", type=int, default=2000, help="small files; 0 leaves them out")
    options.add_argument("--file-bytes", type=int, default=8192)
    options.add_argument("--large-mib", type=int, default=1024, help="size of the one file; 0 leaves it out")
    options.add_argument("--at-once", type=int, default=32)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--clients", nargs="+", default=["ours", "boto3", "vendor"])
    options.add_argument("--place", help="folder for local files; else memory for small ones, and a disk for the large")
    chosen = options.parse_args()
    # Whoever loses patience leaves neither a server nor a gigabyte behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    server = f"{chosen.server} ({chosen.delay * 1000:g} ms)" if chosen.server == "stub" else chosen.server

    def work(client: str, what: str, way: str, place: Path, key: str, endpoint: str) -> Work:
        return Work(client, endpoint, "bench", what, way, str(place), key, chosen.at_once)

    memory = chosen.place or (_MEMORY if _MEMORY.is_dir() else None)
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    _idle()
    with (
        tempfile.TemporaryDirectory(dir=memory) as light,
        tempfile.TemporaryDirectory(dir=chosen.place) as folder,
        _server(chosen.server, chosen.delay) as endpoint,
    ):
        if chosen.files:
            many_files = Path(light)
            source = _files(many_files / "many", chosen.files, chosen.file_bytes)

            def many(client: str, number: int) -> list[Work]:
                # What is there already would not be sent again, so each round has a folder of its own.
                key = f"{client}-{number}/"
                return [
                    work(client, "many", "up", source, key, endpoint),
                    # None is removed before the end: where many files went a moment ago, ext4 is slow to make new ones.
                    work(client, "many", "down", many_files / f"down-{client}-{number}", key, endpoint),
                ]

            title = f"{chosen.files} files of {chosen.file_bytes} bytes, {server}, {chosen.at_once} at once"
            _table(title, _rounds(chosen.clients, many, many_files, chosen.rounds), chosen.files, "files")
        if chosen.large_mib:
            one_file = Path(folder)
            large = _file(one_file / "large", chosen.large_mib * _MIB)

            def one(client: str, _: int) -> list[Work]:
                # Written over each time, as the server keeps it in memory.
                return [
                    work(client, "one", "up", large, "large", endpoint),
                    work(client, "one", "down", one_file / _DOWN, "large", endpoint),
                ]

            title = f"one file of {chosen.large_mib} MiB, {server}, {chosen.at_once} at once"
            _table(title, _rounds(["bare", *chosen.clients], one, one_file, chosen.rounds), chosen.large_mib, "MiB")
    _idle()
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
