"""Scripts really run, and whatever they do, the platform tells the truth about them and leaves nothing behind."""

from pathlib import Path

import pytest

from aiomodelarts.local import LocalPlatform
from tests.local.caller import Caller, calling, config, eventually, marked, where
from tests.support.platform import put_script


async def run(caller: Caller, script: str, in_thread, **settings) -> tuple[dict, dict]:
    await in_thread(put_script, caller.access, script)
    version = await caller.create_job(**settings)
    return version, await caller.finished(version)


async def test_a_script_gets_its_places_and_hyperparameters_in_order(caller, in_thread):
    script = "import sys, json, os\nprint(json.dumps(sys.argv[1:]))\nprint(os.path.basename(os.getcwd()))"
    parameters = [{"label": "lr", "value": "0.001"}, {"label": "note", "value": ""}, {"label": "a", "value": "b c"}]
    version, detail = await run(caller, script, in_thread, parameter=parameters)
    root = caller.access.obs_root
    assert detail["status"] == 10
    assert await caller.log(version) == (
        f'["--data_url", "{root}/bucket/data", "--train_url", "{root}/bucket/output", '
        '"--lr", "0.001", "--note", "", "--a", "b c"]\nsrc\n'
    )
    assert detail["parameter"] == [
        {"label": "lr", "value": 0.001},
        {"label": "note", "value": ""},
        {"label": "a", "value": "b c"},
    ]


async def test_the_output_folder_exists_and_its_metrics_are_told(caller, in_thread):
    script = (
        "import argparse, pathlib\np = argparse.ArgumentParser()\np.add_argument('--train_url')\n"
        "a, _ = p.parse_known_args()\n"
        "pathlib.Path(a.train_url, 'metric.json').write_text('{\"total_metric\": {\"a\": 1}}')\n"
    )
    _, detail = await run(caller, script, in_thread)
    assert detail["model_metric_list"] == '{"total_metric":{"a":1}}'


async def test_a_script_cannot_see_the_keys_of_whoever_started_the_platform(monkeypatch, tmp_path, in_thread):
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "very secret")
    monkeypatch.setenv("OS_PASSWORD", "very secret")
    async with LocalPlatform(tmp_path) as platform, calling(platform) as caller:
        version, _ = await run(caller, "import os\nprint(dict(os.environ))", in_thread)
        assert "very secret" not in await caller.log(version)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "[local platform] the run ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "[local platform] the run was killed by SIGKILL"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.stdout.write('torn'); sys.stdout.flush(); raise SystemExit(1)", "torn\n[local platform]"),
    ],
)
async def test_a_failing_script_fails_its_version_and_the_log_says_how(caller, in_thread, script, said):
    version, detail = await run(caller, script, in_thread)
    assert detail["status"] == 11
    assert said in await caller.log(version)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"boot_file_url": "/bucket/src/none.py"}, "there is no boot file /bucket/src/none.py"),
        ({"app_url": "/bucket/no/", "boot_file_url": "/bucket/no/a.py"}, "there is no code directory /bucket/no/"),
        (
            {"app_url": None, "boot_file_url": None, "user_image_url": "h/i:1"},
            "a custom image can only be run by its user_command",
        ),
    ],
)
async def test_a_run_that_cannot_begin_is_accepted_and_fails_with_the_reason_in_its_log(
    caller, in_thread, settings, said
):
    version, detail = await run(caller, "pass", in_thread, **settings)
    assert detail["status"] == 11
    assert said in await caller.log(version)


async def test_binary_output_and_a_long_log_are_readable(caller, in_thread):
    script = "import os\nos.write(1, bytes(range(256)) * 400)\n"
    version, detail = await run(caller, script, in_thread)
    assert detail["status"] == 10
    assert len(await caller.log(version)) > 50_000


async def test_lines_are_readable_while_the_script_runs_but_not_half_ones(caller, in_thread):
    script = "import sys, time\nprint('one')\nsys.stdout.write('two')\nsys.stdout.flush()\ntime.sleep(60)"
    await in_thread(put_script, caller.access, script)
    version = await caller.create_job()
    assert await caller.until_printed(version, "o") == "one\n"
    await caller.ok("POST", where(version) + "/stop")
    assert (await caller.finished(version))["status"] == 12
    assert (await caller.log(version)).splitlines() == ["one", "two", "[local platform] the run was stopped"]


async def test_a_stop_is_gentle_first(caller, in_thread):
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('saved'), sys.exit(0)))\nprint('up')\ntime.sleep(60)"
    )
    await in_thread(put_script, caller.access, script)
    version = await caller.create_job()
    await caller.until_printed(version, "up")
    await caller.ok("POST", where(version) + "/stop")
    assert (await caller.finished(version))["status"] == 12
    assert "saved" in await caller.log(version)


LINGERERS = {
    "a child in the group": (
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])"
    ),
    "a daemon": (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(99)\n    os._exit(0)\n"
        "os.wait()"
    ),
    "one that ignores SIGTERM": (
        "import os, signal, time\n"
        "if os.fork() == 0:\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(99)"
    ),
}


@pytest.mark.parametrize("script", LINGERERS.values(), ids=LINGERERS.keys())
async def test_processes_left_behind_are_ended(platform, caller, in_thread, script):
    _, detail = await run(caller, script, in_thread)
    assert detail["status"] == 10
    assert await in_thread(marked, platform.access_key) == []


async def test_a_script_that_ignores_sigterm_is_killed(platform, caller, in_thread):
    script = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    os.setsid()\nprint('up')\ntime.sleep(99)"
    )
    await in_thread(put_script, caller.access, script)
    version = await caller.create_job()
    await caller.until_printed(version, "up")
    await caller.ok("POST", where(version) + "/stop")
    assert (await caller.finished(version))["status"] == 12
    assert await in_thread(marked, platform.access_key) == []


async def test_closing_the_platform_leaves_no_process(tmp_path, in_thread):
    async with LocalPlatform(tmp_path, grace_s=0.2) as platform, calling(platform) as caller:
        key = platform.access_key
        await in_thread(put_script, platform, "import time\ntime.sleep(99)")
        version = await caller.create_job()
        await caller.until(version, lambda detail: detail["status"] == 8)
    assert await in_thread(marked, key) == []


async def test_versions_wait_for_a_slot_in_the_order_of_creation(tmp_path, in_thread):
    async with LocalPlatform(tmp_path, slots=1) as platform, calling(platform) as caller:
        await in_thread(put_script, platform, "pass")
        first = await caller.create_job()
        rest = [await caller.create_version(first) for _ in range(5)]
        details = [await caller.finished(version) for version in (first, *rest)]
        starts = [detail["start_time"] for detail in details]
        assert starts == sorted(starts)
        ends = [detail["start_time"] + detail["duration"] for detail in details]
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


async def test_a_stopped_version_that_waits_never_runs(tmp_path, in_thread):
    async with LocalPlatform(tmp_path, slots=1, grace_s=0.2) as platform, calling(platform) as caller:
        await in_thread(put_script, platform, "import time\ntime.sleep(99)")
        first = await caller.create_job()
        waiting = await caller.create_version(first)
        assert (await caller.detail(waiting))["status"] == 7
        reply = await caller.call("GET", where(waiting) + "/aom-log", {"log_file": "demo.0"})
        assert (reply.status, reply.code) == (400, "ModelArts.2818")
        await caller.ok("POST", where(waiting) + "/stop")
        detail = await caller.finished(waiting)
        assert (detail["status"], detail["start_time"]) == (12, None)
        reply = await caller.call("POST", where(waiting) + "/stop")
        assert (reply.status, reply.code) == (400, "ModelArts.0105")


async def test_several_workers_know_their_place_and_have_logs_of_their_own(caller, in_thread):
    script = "import os\nprint(os.environ['RANK'], 'of', os.environ['WORLD_SIZE'])"
    version, detail = await run(caller, script, in_thread, worker_server_num=2)
    assert detail["status"] == 10
    names = await caller.ok("GET", where(version) + "/log/file-names")
    assert names["log_file_list"] == ["demo.0", "demo.1"]
    assert [await caller.log(version, worker) for worker in (0, 1)] == ["0 of 2\n", "1 of 2\n"]


async def test_when_one_worker_fails_the_others_are_ended(caller, in_thread):
    script = "import os, time\nif os.environ['RANK'] == '0':\n    raise SystemExit(5)\ntime.sleep(99)"
    _, detail = await run(caller, script, in_thread, worker_server_num=2)
    assert detail["status"] == 11


DOCUMENTED_COMMAND = (
    "bash -x /home/work/run_train.sh python /home/work/user-job-dir/app/mnist/mnist_softmax.py "
    "--data_url /home/work/user-job-dir/app/mnist_data"
)


@pytest.mark.parametrize("app_url", ["/usr/app/", None])
async def test_the_documented_command_of_a_custom_image_runs_as_printed(caller, in_thread, app_url):
    script = "import os, sys\nprint(sys.argv[1] + '|' + os.environ['learning_rate'])\nprint(os.listdir(sys.argv[2]))"
    await in_thread(put_script, caller.access, script, "mnist_softmax.py", "usr/app/mnist")
    await in_thread(put_script, caller.access, "1", "data.txt", "usr/app/mnist_data")
    version = await caller.create_job(
        app_url=app_url,
        boot_file_url=app_url and "/usr/app/boot.py",
        user_image_url="100.125.5.235:20202/jobmng/custom-cpu-base:1.0",
        user_command=DOCUMENTED_COMMAND,
        parameter=[{"label": "learning_rate", "value": "0.01"}],
    )
    assert (await caller.finished(version))["status"] == 10
    assert (await caller.log(version)).splitlines()[-2:] == ["--data_url|0.01", "['data.txt']"]


async def test_a_root_with_a_blank_in_its_name_does_not_change_a_command(tmp_path, in_thread):
    async with LocalPlatform(tmp_path / "a b'c") as platform, calling(platform) as caller:
        await in_thread(put_script, platform, "print('ran')", "run.py", "usr/app")
        version = await caller.create_job(
            app_url=None,
            boot_file_url=None,
            user_image_url="h/i:1",
            user_command="python /home/work/user-job-dir/app/run.py",
        )
        assert (await caller.finished(version))["status"] == 10
        assert await caller.log(version) == "ran\n"


async def test_a_dataset_is_a_folder_of_its_own(caller, in_thread):
    version, detail = await run(
        caller,
        "import sys, os\nprint(os.path.isdir(sys.argv[2]))",
        in_thread,
        data_url=None,
        dataset_id="../..",
        dataset_version_id="v/1",
    )
    assert detail["status"] == 10
    assert await caller.log(version) == "True\n"


async def test_a_built_in_algorithm_is_accepted_and_says_that_nothing_was_trained(caller, in_thread):
    version, detail = await run(caller, "", in_thread, app_url=None, boot_file_url=None, engine_id=None, model_id=4)
    assert (detail["status"], detail["engine_name"]) == (10, "MXNet")
    assert "ResNet_v2_50 is not on this machine" in await caller.log(version)


async def test_the_log_is_put_into_the_bucket_at_the_end(caller, in_thread):
    await run(caller, "print('hello')", in_thread, log_url="/bucket/log/")
    place = Path(caller.access.obs_root, "bucket/log/demo-V0001.0")
    assert await in_thread(place.read_text) == "hello\n"


async def test_code_changed_later_does_not_change_a_run_that_has_begun(caller, in_thread):
    script = "import time, pathlib\nprint('up')\ntime.sleep(0.3)\nimport other\n"
    await in_thread(put_script, caller.access, "print('before')", "other.py")
    await in_thread(put_script, caller.access, script)
    version = await caller.create_job()
    await caller.until_printed(version, "up")
    await in_thread(put_script, caller.access, "print('after')", "other.py")
    await caller.finished(version)
    assert await caller.log(version) == "up\nbefore\n"


async def test_deleting_a_running_version_stops_it_and_it_goes(platform, caller, in_thread):
    await in_thread(put_script, caller.access, "import time\ntime.sleep(99)")
    version = await caller.create_job()
    await caller.until(version, lambda detail: detail["status"] == 8)
    await caller.ok("DELETE", f"training-jobs/{version['job_id']}")
    reply = await eventually(lambda: caller.call("GET", where(version)), lambda reply: reply.status != 200)
    assert reply.code == "ModelArts.2775"
    assert await in_thread(marked, platform.access_key) == []
    again = await caller.create_job()
    assert again["job_id"] > version["job_id"]


def test_config_helper_leaves_none_out():
    assert "engine_id" not in config(engine_id=None)


async def test_a_run_is_watched_even_where_a_process_has_no_handle(platform, caller, in_thread, monkeypatch):
    """As on other systems, or when the platform has no file handle left."""

    def no_handle(pid):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("aiomodelarts.local.processes.os.pidfd_open", no_handle)
    version, detail = await run(caller, "print('ran')\nraise SystemExit(4)", in_thread)
    assert detail["status"] == 11
    assert "the run ended with exit code 4" in await caller.log(version)


async def test_a_huge_log_is_read_by_its_ends_and_removed_with_its_version(caller, in_thread):
    script = (
        "import os, sys\nblock = (b'x' * 99 + b'\\n') * 10000\nprint('first', flush=True)\n"
        "for _ in range(100):\n    os.write(1, block)\nprint('last')\n"
    )
    version, detail = await run(caller, script, in_thread)
    assert detail["status"] == 10
    query = {"log_file": "demo.0", "lines": 2}
    newest = await caller.ok("GET", where(version) + "/aom-log", query)
    assert newest["content"] == "x" * 99 + "\nlast\n"
    beginning = {**query, "base_line": "1" + "0" * 18, "order": "desc"}
    assert (await caller.ok("GET", where(version) + "/aom-log", beginning))["content"] == "first\n" + "x" * 99 + "\n"
    place = Path(caller.access.obs_root).parent / "logs" / str(version["version_id"])
    assert (await in_thread((place / "0.log").stat)).st_size > 100_000_000
    await caller.ok("DELETE", where(version))
    await eventually(lambda: in_thread(place.exists), lambda exists: not exists)


async def test_a_log_folder_that_cannot_be_written_does_not_change_the_outcome(caller, in_thread):
    await in_thread(put_script, caller.access, "a file, not a folder", "log", "bucket")
    version, detail = await run(caller, "print('hello')", in_thread, log_url="/bucket/log/")
    assert detail["status"] == 10
    assert "the log was not copied to /bucket/log/" in await caller.log(version)


async def test_working_folders_are_removed_after_every_end(caller, in_thread):
    for name, settings in {"good": {}, "bad": {"boot_file_url": "/bucket/src/none.py"}}.items():
        await in_thread(put_script, caller.access, "pass")
        version = await caller.create_job(name, **settings)
        await caller.finished(version)
    work = Path(caller.access.obs_root).parent / "work"
    assert [place.name for place in await in_thread(lambda: list(work.iterdir()))] == ["bin"]
