"""The core by itself: no loop, no socket, no disk, time by hand."""

import json

import orjson

from aiomodelarts._wire.message import Request, Response
from aiomodelarts._wire.signing import sign
from aiomodelarts.local.core import Core
from aiomodelarts.local.gatekeeper import Keys
from aiomodelarts.local.lifecycle import Ending
from aiomodelarts.local.ports import Ports
from aiomodelarts.local.simulated import SimulatedLogs, Simulation
from aiomodelarts.local.storage import Nowhere
from aiomodelarts.status import JobStatus
from tests.local.caller import config

KEYS = Keys("region", "0" * 32, "AK", "SK", "account", "user", "password", "token", "admin")
NOW = 1_700_000_000.0


class Done:
    """What an awaited port gives when it has nothing to wait for."""

    def __await__(self):
        return iter(())


class Memory:
    """A journal that keeps nothing, and an executor that starts nothing."""

    def __init__(self):
        self.started = []
        self.stopped = []

    def write(self, changes):
        return Done()

    def note(self, changes):
        pass

    def start(self, job, version):
        self.started.append(version.version_id)

    def stop(self, version_id):
        self.stopped.append(version_id)


class Bench:
    """A core with its time in our hands."""

    def __init__(self, slots=None):
        self.now = NOW
        self.timers = []
        self.memory = Memory()
        logs = SimulatedLogs(Simulation(), lambda: self.now, lambda: True)
        ports = Ports(self.memory, self.memory, logs, Nowhere(), lambda: self.now, self.later)
        self.core = Core(KEYS, ports, slots=slots)

    def later(self, delay_s, callback):
        self.timers.append((self.now + delay_s, callback))

    def ask(self, method, path, query=(), body=None) -> dict:
        response = step(self.core.handle(signed(method, path, query, body, self.now)))
        assert response.status == 200, response.body
        return orjson.loads(response.body)

    def advance(self, seconds):
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, callback in due:
            callback()


def step(coroutine) -> Response:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the core waited for something")


def signed(method, path, query=(), body=None, now=NOW) -> Request:
    raw = b"" if body is None else json.dumps(body).encode()
    request = Request(method, "http://host:1", f"/v1/{KEYS.project_id}/{path}", tuple(query), {}, raw)
    headers = {name.lower(): value for name, value in sign(request, "AK", "SK", now).items()}
    return Request(method, request.origin, request.path, request.query, headers, raw)


def answer_to(request) -> Response:
    return step(Bench().core.handle(request))


def test_versions_are_listed_newest_first_and_pages_fit_together():
    bench = Bench()
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "config": config()})
    path = f"training-jobs/{job['job_id']}/versions"
    for _ in range(24):
        bench.ask("POST", path, body={"config": config(pre_version_id=job["version_id"])})
    pages = [bench.ask("GET", path, [("page", str(page)), ("per_page", "10")]) for page in (1, 2, 3, 4)]
    assert [len(page["versions"]) for page in pages] == [10, 10, 5, 0]
    ids = [row["version_id"] for page in pages for row in page["versions"]]
    assert ids == sorted(ids, reverse=True)
    assert [row["version_name"] for row in pages[2]["versions"]][-1] == "V0001"
    assert len(bench.ask("GET", path)["versions"]) == 25


def test_slots_are_filled_in_order_and_wide_versions_take_several():
    bench = Bench(slots=2)
    body = {"job_name": "a", "config": config(spec_id=1)}
    first = bench.ask("POST", "training-jobs", body=body)
    path = f"training-jobs/{first['job_id']}/versions"
    wide = {"config": config(pre_version_id=first["version_id"], worker_server_num=9, spec_id=1)}
    second = bench.ask("POST", path, body=wide)["version_id"]
    third = bench.ask("POST", path, body={"config": config(pre_version_id=first["version_id"])})["version_id"]
    assert bench.memory.started == [first["version_id"]]
    bench.core.ended(first["version_id"], Ending(JobStatus.COMPLETED))
    assert bench.memory.started == [first["version_id"], second]
    bench.core.ended(second, Ending(JobStatus.FAILED))
    assert bench.memory.started[-1] == third


def test_a_stopped_run_is_killed_whatever_its_exit_says():
    bench = Bench()
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "config": config()})
    place = f"training-jobs/{job['job_id']}/versions/{job['version_id']}"
    bench.ask("POST", place + "/stop")
    assert bench.ask("GET", place)["status"] == 9
    assert bench.memory.stopped == [job["version_id"]]
    bench.core.ended(job["version_id"], Ending(JobStatus.COMPLETED))
    assert bench.ask("GET", place)["status"] == 12


def test_duration_and_dates_follow_the_clock():
    bench = Bench()
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "config": config()})
    place = f"training-jobs/{job['job_id']}/versions/{job['version_id']}"
    bench.advance(7)
    assert bench.ask("GET", place)["duration"] == 7000
    bench.core.ended(job["version_id"], Ending(JobStatus.COMPLETED))
    bench.advance(100)
    detail = bench.ask("GET", place)
    assert (detail["duration"], detail["start_time"], detail["create_time"]) == (7000, int(NOW * 1000), int(NOW * 1000))


def test_a_schedule_stops_a_visualization_job_after_its_hours():
    bench = Bench()
    schedule = {"type": "stop", "time_unit": "HOURS", "duration": 2}
    made = bench.ask("POST", "visualization-jobs", body={"job_name": "v", "train_url": "/b/o/", "schedule": schedule})
    place = f"visualization-jobs/{made['job_id']}"
    seen = [bench.ask("GET", place)["status"]]
    for _ in range(2):
        bench.advance(0.06)
        seen.append(bench.ask("GET", place)["status"])
    running = bench.ask("GET", place)
    assert running["service_url"] == f"http://host:1/visualization/{made['job_id']}/"
    assert running["remaining_duration"] == 7_200_000
    bench.advance(7200)
    seen.append(bench.ask("GET", place)["status"])
    bench.advance(1)
    seen.append(bench.ask("GET", place)["status"])
    assert seen == [1, 7, 8, 9, 12]


def test_the_description_of_the_last_writer_wins():
    bench = Bench()
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "job_desc": "one", "config": config()})
    path = f"training-jobs/{job['job_id']}/versions"
    follow = config(pre_version_id=job["version_id"])
    bench.ask("POST", path, body={"config": follow})
    assert bench.ask("GET", path)["job_desc"] == "one"
    bench.ask("POST", path, body={"job_desc": "two", "config": follow})
    assert bench.ask("GET", path)["job_desc"] == "two"


def test_jobs_of_another_workspace_are_not_in_a_plain_list():
    bench = Bench()
    bench.ask("POST", "training-jobs", body={"job_name": "a", "workspace_id": "w", "config": config()})
    assert bench.ask("GET", "training-jobs")["jobs"] == []
    assert [row["job_name"] for row in bench.ask("GET", "training-jobs", [("workspace_id", "w")])["jobs"]] == ["a"]


def test_volumes_of_the_previous_version_are_inherited():
    bench = Bench()
    volume = {"nfs": {"id": "i", "src_path": "h:/", "dest_path": "/mnt", "read_only": True}}
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "config": config(volumes=[volume])})
    path = f"training-jobs/{job['job_id']}/versions"
    made = bench.ask("POST", path, body={"config": config(pre_version_id=job["version_id"])})
    detail = bench.ask("GET", f"{path}/{made['version_id']}")
    assert detail["volumes"] == [volume]
    assert (detail["nas_type"], detail["nas_mount_path"]) == ("nfs", "/mnt")


def test_numbers_come_back_as_numbers_only_if_nothing_is_lost():
    bench = Bench()
    texts = ["0.01", "32", "007", "1e-3", "0.10", "-1", "nan", "True", "", "1_000", "99999999999999999999"]
    parameter = [{"label": f"p{index}", "value": text} for index, text in enumerate(texts)]
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "config": config(parameter=parameter)})
    detail = bench.ask("GET", f"training-jobs/{job['job_id']}/versions/{job['version_id']}")
    values = [pair["value"] for pair in detail["parameter"]]
    assert values == [0.01, 32, "007", "1e-3", "0.10", -1, "nan", "True", "", "1_000", "99999999999999999999"]


class Slow(Memory):
    """A journal whose writes take as long as the test likes."""

    def write(self, changes):
        self.noted = []
        return self

    def note(self, changes):
        self.noted += changes

    def __await__(self):
        yield


def test_a_version_recorded_while_its_job_is_deleted_is_refused_and_forgotten():
    bench = Bench()
    job = bench.ask("POST", "training-jobs", body={"job_name": "a", "config": config(create_version=False)})
    slow = Slow()
    object.__setattr__(bench.core._platform.ports, "journal", slow)
    creating = bench.core.handle(signed("POST", f"training-jobs/{job['job_id']}/versions", body={"config": config()}))
    creating.send(None)
    bench.ask("DELETE", f"training-jobs/{job['job_id']}")
    bench.advance(1)
    response = step(creating)
    assert (response.status, orjson.loads(response.body)["error_code"]) == (400, "ModelArts.2775")
    assert [change.table for change in slow.noted if change.value is None] == ["jobs", "versions"]
    assert bench.memory.started == []
