"""Whatever lies outside the documents is refused with its code, names the member, and never makes the platform fail."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiomodelarts.local import LocalPlatform
from aiomodelarts.local.root import Root, open_root
from aiomodelarts.local.storage import Folder, OutsideError, segments
from tests.local.caller import calling, config, where
from tests.local.test_core import answer_to, signed
from tests.support.platform import put_script


@pytest.fixture
def caller(simulated_caller):
    return simulated_caller


OUTSIDE = [
    "/bucket/../../etc", "/../etc/passwd", "/bucket/..", "obs://bucket/../x", "obs://../x", "obs:///etc/passwd",
    "//etc/passwd", "/bucket//x", "/", "obs://", "bucket/x", "etc", "file:///etc/passwd", "s3://bucket/x",
    "/bucket/./x",
    "/bucket/%2e%2e/x", "/bucket/%2E%2E%2Fx", "/bucket/x%2f..%2f..", "/bucket/%252e%252e/x", "/bucket/..\\x",
    "\\bucket\\x", "/bucket/a\nb", "/bucket/" + "a" * 256, "/bucket/" + "a/" * 600, "/.hidden/x", "/-x/../y",
    "~/x", "C:/x",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("member", ["train_url", "data_url", "log_url", "app_url"])
async def test_a_path_outside_its_bucket_is_refused(caller, path, member):
    changes = {member: path}
    if member == "app_url":
        changes["boot_file_url"] = path.rstrip("/") + "/train.py"
    reply = await caller.call("POST", "training-jobs", body={"job_name": "a", "config": config(**changes)})
    assert (reply.status, reply.code) == (400, "ModelArts.0104")
    assert member in reply.json["error_message"] or "boot_file_url" in reply.json["error_message"]


async def test_a_path_outside_is_refused_in_every_place(caller):
    bad = "/bucket/../x"
    source = config(data_url=None, data_source=[{"type": "obs", "data_url": bad}])
    for path, body in [
        ("training-jobs", {"job_name": "a", "config": source}),
        ("training-job-configs", {"config_name": "a", **config(train_url=bad)}),
        ("visualization-jobs", {"job_name": "a", "train_url": bad}),
    ]:
        reply = await caller.call("POST", path, body=body)
        assert (reply.status, reply.code) == (400, "ModelArts.0104"), path


async def test_links_do_not_lead_out_neither_at_creation_nor_later(tmp_path, in_thread):
    outside = tmp_path / "outside"
    async with LocalPlatform(tmp_path / "root") as platform, calling(platform) as caller:
        bucket = Path(platform.obs_root, "bucket")

        def prepare() -> None:
            outside.mkdir()
            (outside / "secret.txt").write_text("secret")
            put_script(platform, "import sys; print(open(sys.argv[2] + '/secret.txt').read())")
            (bucket / "link").symlink_to(outside)
            (bucket / "up").symlink_to("../../..")
            (bucket / "inside").mkdir()
            (bucket / "fine").symlink_to("inside")

        await in_thread(prepare)
        for path in ("/bucket/link/", "/bucket/link/x", "/bucket/up/x"):
            reply = await caller.call("POST", "training-jobs", body={"job_name": "a", "config": config(data_url=path)})
            assert (reply.status, reply.code) == (400, "ModelArts.0104")
        await caller.finished(await caller.create_job("fine", data_url="/bucket/fine/"))

        first = await caller.create_job("first", data_url="/bucket/later/")
        await caller.finished(first)

        def link_later() -> None:
            (bucket / "queued").symlink_to(outside)

        await in_thread(put_script, platform, "import time\ntime.sleep(99)", "slow.py")
        slow = [
            await caller.create_job(f"slow{n}", boot_file_url="/bucket/src/slow.py") for n in range(os.cpu_count() or 1)
        ]
        waiting = await caller.create_job("waiting", data_url="/bucket/queued/")
        await in_thread(link_later)
        for version in slow:
            await caller.ok("POST", where(version) + "/stop")
        detail = await caller.finished(waiting)
        assert detail["status"] == 11
        assert "leaves its bucket" in await caller.log(waiting)
        assert "secret" not in await caller.log(waiting)


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_leads_out_of_the_root(tmp_path, text):
    folder = Folder(tmp_path.resolve())
    for path in (text, "/" + text, "/bucket/" + text, "obs://" + text):
        try:
            place = folder.resolve(path)
        except OutsideError:
            continue
        assert place.is_relative_to(tmp_path.resolve())
        assert ".." not in segments(path)


def changed(**changes):
    """The body of a job, with changes at the top or in its settings."""
    outer = {name: changes.pop(name) for name in ("job_name", "job_desc", "config") if name in changes}
    return {"job_name": "a", "config": {**config(), **changes}, **outer}


BAD_BODIES = [
    ({"job_name": "a\n"}, "job_name"), ({"job_name": "ü"}, "job_name"), ({"job_name": ""}, "job_name"),
    ({"job_name": "a" * 65}, "job_name"), ({"job_name": 7}, "job_name"), ({"job_name": None}, "job_name"),
    ({"job_name": "a b"}, "job_name"), ({"job_name": "٣"}, "job_name"), ({"job_desc": "x" * 257}, "job_desc"),
    ({"job_desc": 7}, "job_desc"), ({"config": None}, "config"), ({"config": []}, "config"),
    ({"worker_server_num": 0}, "worker_server_num"), ({"worker_server_num": 3}, "worker_server_num"),
    ({"worker_server_num": "1"}, "worker_server_num"), ({"worker_server_num": True}, "worker_server_num"),
    ({"worker_server_num": 1e99}, "worker_server_num"), ({"worker_server_num": None}, "worker_server_num"),
    ({"spec_id": None}, "spec_id"), ({"spec_id": -1}, "spec_id"), ({"spec_id": 2**64 - 1}, "spec_id"),
    ({"spec_id": "two"}, "spec_id"), ({"spec_id": 1.5}, "spec_id"), ({"spec_id": []}, "spec_id"),
    ({"model_id": 99}, "model_id"), ({"engine_id": {}}, "engine_id"),
    ({"data_url": None}, "data_url"), ({"dataset_id": "d", "dataset_version_id": "v"}, "data_url"),
    ({"data_url": None, "dataset_id": "d"}, "dataset_version_id"), ({"data_url": 7}, "data_url"),
    (
        {"data_url": None, "data_source": [{"type": "dataset", "dataset_id": "d", "dataset_version_id": "v"}]},
        "dataset_version",
    ),
    ({"data_url": None, "data_source": [{"type": "odd", "data_url": "/b/x"}]}, "type"),
    ({"data_url": None, "data_source": [{"type": [], "data_url": "/b/x"}]}, "type"),
    ({"data_url": None, "data_source": ["x"]}, "data_source[0]"),
    ({"data_url": None, "data_source": "x"}, "data_source"),
    (
        {"data_url": None, "data_source": [
            {"type": "obs", "data_url": "/b/x"}, {"type": "dataset", "dataset_id": "d", "dataset_version": "v"}]},
        "data_source",
    ),
    ({"app_url": None}, "boot_file_url"), ({"boot_file_url": None}, "boot_file_url"),
    ({"boot_file_url": "/other/train.py"}, "boot_file_url"),
    ({"boot_file_url": "/bucket/srcx/train.py"}, "boot_file_url"),
    ({"app_url": None, "boot_file_url": None}, "app_url"),
    ({"parameter": {}}, "parameter"), ({"parameter": ["x"]}, "parameter[0]"),
    ({"parameter": [{}]}, "parameter[0].label"),
    ({"parameter": [{"label": "a"}]}, "parameter[0].value"),
    ({"parameter": [{"label": "", "value": "x"}]}, "parameter[0].label"),
    ({"parameter": [{"label": "a", "value": None}]}, "parameter[0].value"),
    ({"parameter": [{"label": "a", "value": {}}]}, "parameter[0].value"),
    ({"parameter": [{"label": "a\0", "value": "x"}]}, "parameter[0].label"),
    ({"parameter": [{"label": "a", "value": "x\0"}]}, "parameter[0].value"),
    ({"volumes": [{}]}, "volumes[0]"), ({"volumes": 7}, "volumes"), ({"volumes": [{"nfs": {}}]}, "volumes[0].nfs.id"),
    ({"volumes": [{"host_path": {"src_path": "/a", "dest_path": "/b", "read_only": 1}}]}, "read_only"),
    ({"create_version": "no"}, "create_version"), ({"user_command": "x" * 200_000}, "user_command"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "member"), BAD_BODIES, ids=[str(index) for index in range(len(BAD_BODIES))])
async def test_a_body_outside_its_bounds_is_refused_and_the_member_named(caller, changes, member):
    reply = await caller.call("POST", "training-jobs", body=changed(**changes))
    assert (reply.status, reply.code) == (400, "ModelArts.0104"), reply.json
    assert member in reply.json["error_message"]


@pytest.mark.parametrize(
    ("changes", "code"), [({"spec_id": 99}, "ModelArts.2781"), ({"engine_id": 99}, "ModelArts.2780")]
)
async def test_an_unknown_specification_or_engine_has_a_code_of_its_own(caller, changes, code):
    assert (await caller.call("POST", "training-jobs", body=changed(**changes))).code == code


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b"\xff", b'{"a":"\xed\xa0\x80"}', b"{" * 100_000])
async def test_a_body_that_is_no_object_is_refused(caller, raw):
    reply = await caller.call("POST", "training-jobs", body=raw)
    assert (reply.status, reply.code) == (400, "ModelArts.0101")


async def test_a_body_beyond_twelve_megabytes_is_refused(caller):
    reply = await caller.call("POST", "training-jobs", body=b" " * (12 * 1024 * 1024 + 1))
    assert (reply.status, reply.code) == (413, "ModelArts.4104")


BAD_QUERIES = [
    ("training-jobs", {"per_page": 0}), ("training-jobs", {"per_page": 1001}), ("training-jobs", {"per_page": "x"}),
    ("training-jobs", {"page": 0}), ("training-jobs", {"page": 65536}), ("training-jobs", {"page": -1}),
    ("training-jobs", {"page": "9" * 30}), ("training-jobs", {"page": "\u0661"}), ("training-jobs", {"order": "up"}),
    ("training-jobs", {"sortBy": "colour"}), ("training-jobs", {"search_content": "x" * 101}),
    ("training-jobs", {"status": "3,5"}), ("training-jobs", {"status": "x"}), ("training-jobs", {"status": "23"}),
    ("training-jobs/1/versions", {"per_page": 1001}), ("training-jobs/1/versions", {"page": -1}),
    ("built-in-algorithms", {"per_page": 101}), ("built-in-algorithms", {"sortBy": "x"}),
    ("visualization-jobs", {"per_page": 1001}), ("visualization-jobs", {"sortBy": "x"}),
    ("training-job-configs", {"config_type": "x"}), ("training-job-configs", {"sortBy": "job_name"}),
    ("job/resource-specs", {"job_type": "x"}), ("job/resource-specs", {"engine_id": "x"}),
    ("training-jobs/x/versions", {}), ("training-jobs/-1/versions", {}),
    ("training-jobs/9223372036854775808/versions", {}),
    ("training-jobs/%D9%A1/versions", {}), ("training-jobs/1/versions/x", {}), ("training-job-configs/a%0A", {}),
    ("training-job-configs/" + "a" * 65, {}), ("visualization-jobs/x", {}),
    ("training-jobs/1/versions/2/aom-log", {}),
    ("training-jobs/1/versions/2/aom-log", {"log_file": "demo.0", "lines": 501}),
    ("training-jobs/1/versions/2/aom-log", {"log_file": "demo.0", "lines": -1}),
    ("training-jobs/1/versions/2/aom-log", {"log_file": "demo.0", "order": "x"}),
    ("training-jobs/1/versions/2/aom-log", {"log_file": "demo.0", "base_line": "7"}),
    ("training-jobs/1/versions/2/aom-log", {"log_file": "demo.0", "base_line": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "query"), BAD_QUERIES, ids=[str(index) for index in range(len(BAD_QUERIES))])
async def test_a_query_or_path_outside_its_bounds_is_refused(caller, path, query):
    job = await caller.create_job()
    assert (job["job_id"], job["version_id"]) == (1, 2)
    reply = await caller.call("GET", path, query)
    assert (reply.status, reply.code) == (400, "ModelArts.0104"), reply.json


async def test_unknown_sort_keys_are_answered_with_the_known_ones(caller):
    reply = await caller.call("GET", "training-jobs", {"sortBy": "colour"})
    assert "create_time" in reply.json["error_message"]
    assert "job_name" in reply.json["error_message"]


async def test_bounds_themselves_are_fine(caller):
    await caller.create_job("a" * 64)
    for query in (
        {"per_page": 1}, {"per_page": 1000, "page": 65535}, {"search_content": "x" * 100}, {"status": 22},
        {"sortBy": "engine_type"}, {"sortBy": "version_count", "order": "desc"}, {"page": ""}, {"sort_by": "ignored"},
    ):  # fmt: skip
        await caller.ok("GET", "training-jobs", query)


async def test_a_long_command_is_fine(caller):
    """No document bounds it."""
    command = f"python train.py {'x' * 100_000}"
    made = await caller.create_job(user_image_url="host/image:1", user_command=command)
    assert (await caller.detail(made))["user_command"] == command


@pytest.mark.parametrize(
    ("pre_version_id", "accepted"), [(2, True), ("2", True), (None, False), (0, False), (99, False), (-1, False)]
)
async def test_the_predecessor_has_to_be_of_the_same_job(caller, pre_version_id, accepted):
    job = await caller.create_job()
    body = {"config": config(pre_version_id=pre_version_id)}
    reply = await caller.call("POST", f"training-jobs/{job['job_id']}/versions", body=body)
    assert (reply.status == 200) == accepted
    assert accepted or "pre_version_id" in reply.json["error_message"]


async def test_a_job_without_versions_takes_its_first_without_a_predecessor(caller):
    job = await caller.create_job(create_version=False)
    assert job["version_id"] is None
    body = {"config": config()}
    made = await caller.ok("POST", f"training-jobs/{job['job_id']}/versions", body=body)
    assert (await caller.detail(made))["pre_version_id"] is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "training-jobs/1", 405), ("PATCH", "training-jobs", 405), ("GET", "nothing", 404),
        ("GET", "//training-jobs", 404), ("GET", "training-jobs//1", 404), ("DELETE", "/v3/auth/tokens", 405),
        ("GET", "/v2/x", 404), ("GET", "/v1//training-jobs", 404),
    ],
)  # fmt: skip
async def test_a_path_or_method_that_is_no_operation_is_refused_by_the_gateway(caller, method, path, status):
    reply = await caller.call(method, path)
    assert (reply.status, reply.code) == (status, "APIG.0101")
    assert "error_msg" in reply.json


async def test_a_slash_at_the_end_is_accepted(caller):
    job = await caller.create_job()
    await caller.ok("GET", f"training-jobs/{job['job_id']}/versions/")


async def test_a_name_is_taken_once_even_by_simultaneous_creates(caller):
    body = {"job_name": "same", "config": config()}
    replies = await asyncio.gather(*[caller.call("POST", "training-jobs", body=body) for _ in range(20)])
    assert sorted(reply.status for reply in replies) == [200] + [400] * 19
    assert {reply.code for reply in replies if reply.status == 400} == {"ModelArts.0103"}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = [
    "job_name", "job_desc", "config", "worker_server_num", "app_url", "boot_file_url", "engine_id", "model_id",
    "parameter",
    "data_url", "dataset_id", "data_source", "train_url", "log_url", "spec_id", "pool_id", "volumes",
    "create_version",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=4))
@settings(max_examples=300)
def test_any_json_is_answered_and_never_with_a_5xx(changes):
    """Against the core itself: no socket is needed to throw bodies at it."""
    request = signed("POST", "training-jobs", body=changed(**changes))
    assert answer_to(request).status in (200, 400)


async def test_a_platform_whose_opening_is_cancelled_leaves_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    roots: list[Root] = []
    begun = threading.Event()
    go_on = threading.Event()

    def slowly(path: Path | None) -> Root:
        begun.set()
        go_on.wait(10)
        roots.append(open_root(path))
        return roots[-1]

    monkeypatch.setattr("aiomodelarts.local.platform.open_root", slowly)
    entering = asyncio.ensure_future(LocalPlatform(executor="simulated").__aenter__())
    await asyncio.to_thread(begun.wait, 10)
    entering.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await entering
    (root,) = roots
    assert root.lock.closed
    assert not await asyncio.to_thread(root.path.exists)
