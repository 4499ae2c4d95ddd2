"""Several controllers on PostgreSQL, killed and paused past their leases at random moments."""

from pathlib import Path

import pytest

from tests.sweep.controllers import driven


@pytest.mark.timeout(180)
async def test_whatever_happens_to_its_controllers_a_sweep_makes_exactly_its_versions(
    postgres: str, tmp_path: Path
) -> None:
    verdict = await driven(3, 60, 7, postgres, tmp_path, lease_s=1.0)
    assert not verdict.problems
    assert verdict.versions == 60
    assert verdict.told["kills"] + verdict.told["pauses"] > 3
