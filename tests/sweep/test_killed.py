"""Controllers that are killed between any two steps: nothing is lost, nothing repeated, exactly N versions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiomodelarts import LocalPlatform
from tests.support.platform import platform_at
from tests.sweep import kills, stage


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[LocalPlatform]:
    async with platform_at(tmp_path / "platform") as there:
        yield there


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/NAME.sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, sqlite: str) -> str:
    if request.param == "sqlite":
        return sqlite
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [0, 1, 2])
async def test_killed_at_every_step_a_sweep_makes_exactly_its_versions(ledger: str, tmp_path: Path, seed: int) -> None:
    verdict = await kills.killed_at_every_step(seed, ledger, tmp_path / "platform")
    assert not verdict.problems, f"python -m tests.sweep.kills --seed {seed}"
    assert verdict.kills >= verdict.steps >= 7 * 3


@pytest.mark.timeout(120)
@pytest.mark.parametrize("controllers", [[None, None], [None, 17, None, 30]])
async def test_several_controllers_make_exactly_the_versions_of_one(
    platform: LocalPlatform, ledger: str, controllers: list[int | None]
) -> None:
    # One server keeps the sweeps of all tests.
    name = f"with-{len(controllers)}"
    came = await stage.drive(platform, [controllers], name=name, trials=24, ledger=ledger, together=True, lease_s=1.5)
    assert [one is None for one in came.values()] == [kill is not None for kill in controllers]
    for one in came.values():
        assert one is None or one["error"] is None, one
        assert one is None or [state for _, state, *_ in one["trials"]] == ["succeeded"] * 24
    rows = (await stage.made(platform))[f"job-{name}-0"]
    assert [row.output_path for row in rows] == stage.expected(f"{name}-0", 24)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", [2, 9, 10, 11, 12])
async def test_a_controller_that_was_paused_past_its_lease_does_no_harm(
    platform: LocalPlatform, sqlite: str, step: int
) -> None:
    came = await stage.drive(
        platform,
        [[-1 - step, None]],
        name="paused",
        trials=8,
        ledger=sqlite,
        concurrency=1,
        together=True,
        lease_s=1.0,
    )
    paused, other = came["paused-0", 0], came["paused-0", 1]
    assert paused is not None
    assert other is not None
    over = other
    if other["error"] == "LedgerError":
        # Paused in the middle of its beat it kept the file to itself: the other one says so, and it goes on by itself.
        assert "has kept it locked" in other["message"]
        over = paused
    assert (paused["error"], other["error"]) == ((None, "LedgerError") if over is paused else ("Fenced", None))
    assert [state for _, state, *_ in over["trials"]] == ["succeeded"] * 8
    assert [row.output_path for row in (await stage.made(platform))["job-paused-0"]] == stage.expected("paused-0", 8)
