"""Faults happen as they were ordered, are counted, and do not happen otherwise."""

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.local import LocalPlatform
from aiomodelarts.local.faults import Fault, FaultRuleError, Faults, Rule, read_rules
from aiomodelarts.local.rate import RateLimit
from tests.local.caller import Caller, calling, config, eventually, where

CREATE = {"method": "POST", "path": "/versions$"}


@pytest.fixture
def caller(simulated_caller):
    return simulated_caller


async def order(caller: Caller, *rules: dict) -> None:
    url = caller.access.modelarts_endpoint + "/_local/faults"
    headers = {"X-Local-Admin": caller.access.admin_token}
    async with caller.http.put(url, json=list(rules), headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def stats(caller: Caller) -> dict:
    async with caller.http.get(caller.access.modelarts_endpoint + "/_local/stats") as answer:
        return await answer.json()


async def count(caller: Caller, job: dict) -> int:
    return (await caller.ok("GET", f"training-jobs/{job['job_id']}/versions"))["version_count"]


async def create(caller: Caller, job: dict):
    body = {"config": config(pre_version_id=job["version_id"])}
    return await caller.call("POST", f"training-jobs/{job['job_id']}/versions", body=body)


@pytest.mark.parametrize(
    ("fault", "status", "code", "made"),
    [
        ({"kind": "status", "code": 503}, 503, "ModelArts.4302", 0),
        ({"kind": "status", "code": 429, "retry_after": "soon"}, 429, "ModelArts.6101", 0),
        ({"kind": "status", "code": 500, "error_code": "ModelArts.0010"}, 500, "ModelArts.0010", 0),
        ({"kind": "envelope"}, 200, "ModelArts.6102", 0),
        ({"kind": "token_expired"}, 401, "ModelArts.0202", 0),
        ({"kind": "late_commit", "seconds": 0.05}, 504, "ModelArts.4503", 1),
        ({"kind": "delay_before", "seconds": 0.01}, 200, None, 1),
        ({"kind": "slow_drip", "seconds": 0.05}, 200, None, 1),
    ],
)  # fmt: skip
async def test_a_fault_answers_as_ordered_and_does_the_work_or_not(caller, fault, status, code, made):
    job = await caller.create_job()
    await order(caller, {"match": CREATE, "count": 1, "fault": fault})
    reply = await create(caller, job)
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers.get("Retry-After") == fault.get("retry_after")
    if fault["kind"] == "late_commit":
        assert await count(caller, job) == 1
    assert await eventually(lambda: count(caller, job), lambda seen: seen == 1 + made)
    assert (await stats(caller))["faults"] == {fault["kind"]: 1}
    assert (await create(caller, job)).status == 200


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ("reset_before", aiohttp.ClientOSError, 0),
        ("reset_after", aiohttp.ClientOSError, 1),
        ("truncate", aiohttp.ClientPayloadError, 1),
    ],
)
async def test_a_broken_line_does_the_work_or_not(caller, kind, error, made):
    job = await caller.create_job()
    await order(caller, {"match": CREATE, "count": 1, "fault": {"kind": kind}})
    with pytest.raises(error):
        await create(caller, job)
    assert await count(caller, job) == 1 + made


async def test_wrong_types_are_told(caller):
    job = await caller.create_job()
    await order(caller, {"match": {"method": "GET"}, "fault": {"kind": "wrong_type"}})
    reply = await caller.ok("GET", f"training-jobs/{job['job_id']}/versions")
    assert reply["versions"] == "text"
    assert not isinstance(reply["version_count"], int)


async def test_lists_lag_but_single_reads_do_not(caller):
    job = await caller.create_job()
    await order(
        caller, {"match": {"path": "/versions$", "method": "GET"}, "fault": {"kind": "stale_list", "seconds": 60}}
    )
    listed = await caller.ok("GET", f"training-jobs/{job['job_id']}/versions")
    assert (listed["version_count"], listed["versions"]) == (0, [])
    assert (await caller.detail(job))["version_id"] == job["version_id"]


async def test_every_list_lags(caller):
    await caller.create_job()
    await caller.ok("POST", "training-job-configs", body={"config_name": "c", **config()})
    await caller.ok("POST", "visualization-jobs", body={"job_name": "v", "train_url": "/b/o/"})
    lists = {"training-jobs": "jobs", "training-job-configs": "configs", "visualization-jobs": "jobs"}
    assert [len((await caller.ok("GET", path))[rows]) for path, rows in lists.items()] == [1, 1, 1]
    await order(caller, {"match": {"method": "GET"}, "fault": {"kind": "stale_list", "seconds": 60}})
    assert [(await caller.ok("GET", path))[rows] for path, rows in lists.items()] == [[], [], []]
    assert (await caller.ok("GET", "training-job-configs/c"))["config_name"] == "c"


async def test_only_the_admin_orders_faults(caller):
    url = caller.access.modelarts_endpoint + "/_local/faults"
    for headers in ({}, {"X-Local-Admin": "guess"}):
        async with caller.http.put(url, json=[], headers=headers) as answer:
            assert answer.status == 403
    admin = {"X-Local-Admin": caller.access.admin_token}
    async with caller.http.put(url, data=b"{", headers=admin) as answer:
        assert answer.status == 400
    await order(caller, {"fault": {"kind": "status"}})
    assert (await caller.call("GET", "training-jobs")).status == 500
    async with caller.http.delete(url, headers=admin) as answer:
        assert answer.status == 200
    assert (await caller.call("GET", "training-jobs")).status == 200
    assert (await stats(caller))["requests"] == {"listTrainingJobs": 2}


async def test_stats_count_versions_by_status(caller):
    job = await caller.create_job()
    await caller.finished(job)
    assert (await stats(caller))["versions"] == {"COMPLETED": 1}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, "a list"),
        ([1], "rule 0: an object with"),
        ([{"fault": {"kind": "statsu"}}], "rule 0: there is no fault of kind 'statsu'"),
        ([{}], "rule 0: an object with"),
        ([{"fault": {"kind": "status", "code": 99}}], "code has to be an HTTP status"),
        ([{"fault": {"kind": "status"}, "probability": 2}], "probability has to be a number from 0 to 1"),
        ([{"fault": {"kind": "status"}, "match": {"path": "("}}], "rule 0: missing )"),
        ([{"fault": {"kind": "status"}, "matches": {}}], "'matches' is not one of"),
    ],
)
def test_a_wrong_rule_is_named(rules, said):
    with pytest.raises(FaultRuleError) as error:
        read_rules(rules)
    assert said in str(error.value)


@given(st.integers(0, 2**32), st.floats(0.05, 0.95), st.integers(0, 20))
def test_the_same_seed_draws_the_same_faults(seed, probability, count):
    rule = Rule(Fault("status"), probability=probability, count=count, seed=seed)
    runs = []
    for _ in range(2):
        faults = Faults((rule,))
        runs.append([faults.draw("GET", "/x") is not None for _ in range(100)])
        assert sum(runs[-1]) <= count
        assert faults.counts == ({"status": sum(runs[-1])} if sum(runs[-1]) else {})
    assert runs[0] == runs[1]


@given(st.lists(st.floats(0, 0.2), max_size=200), st.floats(1, 50))
def test_no_window_lets_more_through_than_the_rate_and_one_burst(pauses, rate):
    limit = RateLimit({"creates": rate})
    now, passed = 0.0, []
    for pause in pauses:
        now += pause
        if limit.excess_s("createTrainingJob", "POST", now) is None:
            passed.append(now)
    for start in passed:
        assert sum(start <= at <= start + 1 for at in passed) <= 2 * rate + 1


async def test_calls_above_the_rate_are_refused_with_and_without_a_hint(tmp_path):
    async with (
        LocalPlatform(tmp_path, executor="simulated", rate="creates=5/s") as platform,
        calling(platform) as caller,
    ):
        job = await caller.create_job()
        replies = await asyncio.gather(*[create(caller, job) for _ in range(20)])
        refused = [reply for reply in replies if reply.status == 429]
        assert len(refused) >= 10
        assert {reply.code for reply in refused} == {"ModelArts.6101"}
        assert {"Retry-After" in reply.headers for reply in refused} == {True, False}
        assert await count(caller, job) == 1 + len(replies) - len(refused)
        assert (await stats(caller))["faults"]["rate"] == len(refused)


@pytest.mark.parametrize("spec", ["creates", "creates=0/s", "creates=-1/s", "writes=3/s", "creates=nan/s"])
def test_a_wrong_rate_is_told(spec):
    with pytest.raises(ValueError, match=r"in the rate is not of the form"):
        RateLimit.parse(spec)


async def test_late_work_is_dropped_at_the_end(tmp_path):
    rule = {"match": {"method": "POST"}, "fault": {"kind": "late_commit", "seconds": 3600}}
    async with LocalPlatform(tmp_path, executor="simulated", faults=[rule]) as platform, calling(platform) as caller:
        reply = await caller.call("POST", "training-jobs", body={"job_name": "a", "config": config()})
        assert reply.status == 504


async def test_faults_meet_the_versions_of_an_attached_job_only(caller):
    one, other = await caller.create_job("one"), await caller.create_job("other")
    rule = {"match": {"path": f"/training-jobs/{one['job_id']}/"}, "fault": {"kind": "status", "code": 502}}
    await order(caller, rule)
    assert (await caller.call("GET", where(one))).status == 502
    assert (await caller.call("GET", where(other))).status == 200
