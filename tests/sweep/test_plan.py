"""Plans: made with reads only, kept as a file, applied exactly or not at all."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from aiomodelarts import AsyncSession, RetryPolicy, Sweep
from aiomodelarts.models.job import JobPage
from aiomodelarts.sweep import FolderFiles
from aiomodelarts.sweep.planning import premises
from aiomodelarts.sweep.planning.plan import Plan, PlanFileError, PlanOutdated
from tests.support.platform import requests
from tests.support.sweep_file import SWEEP as TINY

SWEEP = TINY.replace("concurrency = 2", "concurrency = 4")
READS = {"listTrainingJobs", "listResourceSpecs", "listEngines"}


async def sweep_of(folder: Path, **changes: str) -> Sweep:
    text = SWEEP
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    await asyncio.to_thread((folder / "sweep.toml").write_text, text)
    return await asyncio.to_thread(Sweep.from_file, folder / "sweep.toml")


async def test_a_plan_of_a_thousand_points_asks_and_changes_nothing(session: AsyncSession, tmp_path: Path) -> None:
    sweep = await sweep_of(tmp_path, many=("int = [1, 4]", "int = [1, 1000]"), job=('"tiny"', '"tiny"\njob_name = "j"'))
    plan = await sweep.plan(session)
    assert (plan.count, plan.to_make, plan.later, plan.refused) == (1000, 1000, 0, ())
    assert [trial.point["layers"] for trial in plan.trials] == [*range(1, 1001)]
    assert plan.trials[9].output_path == "/bucket/out/tiny/0010/"
    asked = await requests(session.platform)
    assert set(asked) <= READS
    assert sum(asked.values()) == 5
    assert not await asyncio.to_thread((tmp_path / "results").exists)


async def test_a_plan_survives_its_file_and_is_applied_exactly(session: AsyncSession, tmp_path: Path) -> None:
    sweep = await sweep_of(tmp_path)
    plan = await sweep.plan(session)
    assert Plan.from_json(json.dumps(plan.as_json())) == plan
    result = await sweep.run(session, plan=plan)
    assert [trial.point for trial in result.trials] == [trial.point for trial in plan.trials]
    assert [trial.output_path for trial in result.trials] == [trial.output_path for trial in plan.trials]
    # What it would do has been done, so that it is no plan any more.
    with pytest.raises(PlanOutdated, match="the ledger changed since"):
        await sweep.run(session, plan=plan)
    again = await sweep.plan(session)
    assert (again.to_make, dict(again.states)) == (0, {"succeeded": 4})
    assert again.job == f"goes on in job {result.trials[0].job_id}"
    assert again.hours.about == 0
    await sweep.run(session, plan=again)


async def test_a_plan_of_another_file_or_other_points_is_refused_before_anything_is_sent(
    session: AsyncSession, tmp_path: Path
) -> None:
    plan = await (await sweep_of(tmp_path)).plan(session)
    before = await requests(session.platform)
    other = await sweep_of(tmp_path, more=("int = [1, 4]", "int = [1, 5]"))
    with pytest.raises(PlanOutdated, match="the sweep file and its points changed"):
        await other.run(session, plan=plan)
    faster = await sweep_of(tmp_path, faster=("concurrency = 4", "concurrency = 5"))
    with pytest.raises(PlanOutdated, match=r"^the sweep file changed"):
        await faster.run(session, plan=plan)
    assert await requests(session.platform) == before


@pytest.mark.parametrize(
    ("old", "new", "what", "why"),
    [
        ("modelarts.vm.cpu.2u", "modelarts.vm.cpu.2", "train_instance_type", "did you mean 'modelarts.vm.cpu.2u'"),
        ("PyTorch-1.0.0-python3.6", "PyTorch-1.0.0-python3.7", "framework_version", "PyTorch-1.0.0-python3.6"),
        ("[space]", "train_instance_count = 10000\n[space]", "train_instance_count", "takes at most"),
    ],
)
async def test_what_would_be_refused_is_told(
    session: AsyncSession, tmp_path: Path, old: str, new: str, what: str, why: str
) -> None:
    plan = await (await sweep_of(tmp_path, wrong=(old, new))).plan(session)
    (refusal,) = plan.refused
    assert refusal.what == what
    assert why in refusal.why


async def test_everything_that_is_wrong_is_told_at_once(session: AsyncSession, tmp_path: Path) -> None:
    sweep = await sweep_of(
        tmp_path,
        flavour=("modelarts.vm.cpu.2u", "nothing"),
        engine=("PyTorch-1.0.0-python3.6", "nothing"),
    )
    plan = await sweep.plan(session)
    assert {one.what for one in plan.refused} == {"train_instance_type", "framework_version"}


async def test_a_bucket_that_cannot_be_read_is_told_where_a_file_is_to_be_read(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = await sweep_of(tmp_path, file=("log_pattern = 'accuracy=([0-9.]+)'", 'json_file = "m.json"\nkey = "a"'))
    assert not (await sweep.plan(session)).refused
    monkeypatch.setenv("AIOMODELARTS_OBS_ENDPOINT", "http://127.0.0.1:9")
    platform = session.platform
    assert platform is not None
    keys = (platform.access_key, platform.secret_key)
    endpoints = {"modelarts": platform.modelarts_endpoint}
    again = RetryPolicy(max_tries=1)
    async with AsyncSession(*keys, project_id=platform.project_id, endpoints=endpoints, retry=again) as remote:
        (refusal,) = (await sweep.plan(remote)).refused
    assert refusal.what == "json_file"
    assert "the bucket cannot be read" in refusal.why


BUDGET = """\
[budget]
max_trial_hours = 2
max_cost = 20

[budget.prices]
"modelarts.vm.cpu.2u" = 2.5
"""


async def test_what_it_may_take_is_told_before_anything_is_spent(session: AsyncSession, tmp_path: Path) -> None:
    budget = ("[space]", f"{BUDGET}\n[space]")
    plan = await (await sweep_of(tmp_path, budget=budget)).plan(session)
    # Four trials of two hours at 2.5 are 20; four of them at once, so that two hours are the longest.
    assert (plan.hours.about, plan.hours.most) == (None, 8.0)
    assert plan.cost is not None
    assert (plan.cost.about, plan.cost.most, plan.elapsed_h.most) == (None, 20.0, 2.0)
    assert not plan.notes
    more = ("int = [1, 4]", "int = [1, 10]")
    plan = await (await sweep_of(tmp_path, budget=budget, more=more)).plan(session)
    assert plan.cost is not None
    # The money buys eight hours, although ten trials could take twenty.
    assert (plan.cost.most, plan.hours.most, plan.elapsed_h.most) == (20.0, 8.0, 6.0)
    assert plan.notes == (
        "what is left of the budget is surely enough for 4 of the 10 trials, if each takes its longest",
    )


async def test_what_was_spent_is_no_longer_there(session: AsyncSession, tmp_path: Path) -> None:
    budget = ("[space]", f"{BUDGET}\n[space]")
    result = await (await sweep_of(tmp_path, budget=budget)).run(session)
    more = ("int = [1, 4]", "int = [1, 10]")
    plan = await (await sweep_of(tmp_path, budget=budget, more=more)).plan(session)
    assert result.account is not None
    assert plan.cost is not None
    assert plan.cost.most == pytest.approx(20 - result.account.spent.cost)
    assert plan.cost.about is not None
    assert plan.hours.about is not None
    assert 0 < plan.hours.about < 0.01
    assert plan.cost.about == pytest.approx(plan.hours.about * 2.5, rel=0.2)


async def test_without_prices_and_limits_nothing_is_made_up(session: AsyncSession, tmp_path: Path) -> None:
    plan = await (await sweep_of(tmp_path)).plan(session)
    assert plan.cost is None
    assert (plan.hours.most, plan.elapsed_h.most) == (None, None)


async def test_a_bound_of_trials_bounds_the_plan(session: AsyncSession, tmp_path: Path) -> None:
    few = ("[space]", "[budget]\nmax_trials = 3\n\n[space]")
    plan = await (await sweep_of(tmp_path, few=few)).plan(session)
    assert (plan.count, plan.to_make) == (3, 3)


async def test_every_flavour_is_looked_for(session: AsyncSession, tmp_path: Path) -> None:
    several = (
        'train_instance_type = "modelarts.vm.cpu.2u"',
        'flavors = ["modelarts.vm.gpu.p100", "modelarts.vm.cpu.2", "modelarts.vm.cpu.2u"]',
    )
    (refusal,) = (await (await sweep_of(tmp_path, several=several)).plan(session)).refused
    assert refusal.what == "flavors"
    assert "did you mean 'modelarts.vm.cpu.2u'" in refusal.why


async def test_paths_are_looked_for_in_their_buckets(session: AsyncSession, tmp_path: Path) -> None:
    wrong = ('boot_file = "/bucket/src/train.py"', 'boot_file = "/bucket/src/trian.py"')
    data = ('inputs = "/bucket/data/"', 'inputs = "/elsewhere/"')
    plan = await (await sweep_of(tmp_path, wrong=wrong, data=data)).plan(session)
    (refusal,) = plan.refused
    assert (refusal.what, refusal.why) == ("boot_file", "there is nothing at /bucket/src/trian.py")
    assert plan.notes == ("inputs: there is nothing at /elsewhere/",)


async def test_buckets_that_are_not_there_are_told(session: AsyncSession, tmp_path: Path) -> None:
    platform = session.platform
    assert platform is not None
    endpoints = {"modelarts": platform.modelarts_endpoint, "obs": Path(str(platform.obs_root)).as_uri()}
    keys = (platform.access_key, platform.secret_key)
    logs = ('log_url = "/nowhere/log/"', 'output_path = "/nobody/out/"')
    sweep = await sweep_of(tmp_path, out=('output_path = "/bucket/out/"', "\n".join(logs)))
    async with AsyncSession(*keys, project_id=platform.project_id, endpoints=endpoints) as remote:
        refused = (await sweep.plan(remote)).refused
        assert {one.what for one in refused} == {"output_path", "log_url"}
        assert all("nobody" in one.why or "nowhere" in one.why for one in refused)
        # A folder in a bucket that is there need not be.
        assert not (await (await sweep_of(tmp_path)).plan(remote)).refused


async def test_buckets_that_cannot_be_looked_into_are_told_and_refuse_nothing(
    session: AsyncSession, tmp_path: Path
) -> None:
    platform = session.platform
    assert platform is not None
    only_a_token = AsyncSession(
        token="t", project_id=platform.project_id, endpoints={"modelarts": platform.modelarts_endpoint}
    )
    async with only_a_token as remote:
        premises_of = premises.Premises((await sweep_of(tmp_path)).config, remote, None)
        await premises_of._look_at_paths()
    assert not premises_of.refused
    (note,) = premises_of.notes
    assert note.startswith("the buckets were not looked into: ")


async def test_a_quota_of_jobs_that_looks_used_up_is_told(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(modelarts_session: AsyncSession, **_: object) -> JobPage:
        return JobPage(jobs=(), job_total_count=5, quotas=5)

    sweep = await sweep_of(tmp_path)
    assert not any("quota" in note for note in (await sweep.plan(session)).notes)
    monkeypatch.setattr(premises, "get_job_list", full)
    plan = await sweep.plan(session)
    # What the two numbers have to do with each other is in no document, so nothing is called refused for them.
    assert any("5 jobs, and the platform names a quota of 5" in note for note in plan.notes)
    assert not plan.refused
    await sweep.run(session)
    # It goes on in the job that it has.
    more = await sweep_of(tmp_path, more=("int = [1, 4]", "int = [1, 5]"))
    assert not any("quota" in note for note in (await more.plan(session)).notes)


async def test_a_name_that_is_taken_and_a_script_that_is_missing(session: AsyncSession, tmp_path: Path) -> None:
    named = ('name = "tiny"', 'name = "tiny"\njob_name = "mine"')
    first = await sweep_of(tmp_path, named=named)
    assert (await first.plan(session)).job == "a new job, mine"
    await first.run(session)
    other = Sweep.of(evolve(first.config, name="other", results_dir=tmp_path / "other"))
    files = FolderFiles(Path(str(session.platform and session.platform.obs_root)))
    plan = await other.plan(session, files=files)
    assert [one.what for one in plan.refused] == ["boot_file", "job_name"]
    assert "there is no train.py" in plan.refused[0].why


async def test_settings_that_changed_since_the_last_run_are_told(session: AsyncSession, tmp_path: Path) -> None:
    await (await sweep_of(tmp_path)).run(session)
    plan = await (await sweep_of(tmp_path, more=("int = [1, 4]", "int = [1, 5]"))).plan(session)
    (refusal,) = plan.refused
    assert refusal.what == "changed since the last run"
    assert refusal.why.startswith("[space] layers: ")


async def test_an_adaptive_search_fixes_its_settings_and_its_count(session: AsyncSession, tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    changes: dict[str, Any] = {
        "tpe": ('algorithm = "grid"', 'algorithm = "tpe"\ntrials = 40\nstartup = 12'),
        "space": ("layers = { int = [1, 4] }", "lr = { float = [0, 1] }"),
    }
    sweep = await sweep_of(tmp_path, **changes)
    plan = await sweep.plan(session)
    assert (plan.count, len(plan.trials), plan.later) == (40, 12, 28)
    assert plan == await sweep.plan(session)
    changes["tpe"] = ('algorithm = "grid"', 'algorithm = "tpe"\ntrials = 41\nstartup = 12')
    with pytest.raises(PlanOutdated):
        await (await sweep_of(tmp_path, **changes)).run(session, plan=plan)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 2}', "\N{BELL}", "[" * 100_000])
def test_a_file_that_is_no_plan(text: str) -> None:
    with pytest.raises(PlanFileError):
        Plan.from_json(text)


async def test_code_of_this_machine_is_part_of_the_plan(session: AsyncSession, tmp_path: Path) -> None:
    def coded(boot_file: str) -> tuple[str, str]:
        return ('boot_file = "/bucket/src/train.py"', f'boot_file = "{boot_file}"\ncode_bucket = "/bucket/code/"')

    code = tmp_path / "code"
    await asyncio.to_thread(code.mkdir)
    await asyncio.to_thread((code / "train.py").write_text, "print(1)")
    place = ('code_dir = "/bucket/src/"', f'code_dir = "{code}"')
    wrong = await (await sweep_of(tmp_path, place=place, boot=coded("trian.py"))).plan(session)
    (refusal,) = wrong.refused
    assert refusal.what == "boot_file"
    assert "did you mean 'train.py'" in refusal.why
    plan = await (await sweep_of(tmp_path, place=place, boot=coded("train.py"))).plan(session)
    assert not plan.refused
    await asyncio.to_thread((code / "train.py").write_text, "print(2)")
    with pytest.raises(PlanOutdated, match="the sweep file"):
        await (await sweep_of(tmp_path, place=place, boot=coded("train.py"))).run(session, plan=plan)
    assert session.platform is not None
    assert not await asyncio.to_thread(Path(session.platform.obs_root, "bucket/code").exists)
