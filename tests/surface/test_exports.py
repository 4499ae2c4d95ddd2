"""What the package offers, pinned by name."""

import subprocess
import sys

import aiomodelarts
from aiomodelarts import sweep


def test_exported_names_are_sorted_unique_and_there() -> None:
    names = aiomodelarts.__all__
    assert names == sorted(set(names), key=lambda name: (name.lower(), name))
    for name in names:
        assert getattr(aiomodelarts, name) is not None
        assert not name.startswith("_")


def test_the_names_of_sweeps_are_sorted_unique_and_there() -> None:
    names = sweep.__all__
    assert names == sorted(set(names), key=lambda name: (name.lower(), name))
    for name in names:
        assert getattr(sweep, name) is not None


def test_nothing_public_is_left_out() -> None:
    bound = {name for name, value in vars(aiomodelarts).items() if isinstance(value, type) and name[0].isalpha()}
    assert bound - set(aiomodelarts.__all__) == set()


def test_what_is_loaded_later_can_be_seen_and_reached_before() -> None:
    code = """
import aiomodelarts
print(sorted({*aiomodelarts.__all__, "events", "obs"} - set(dir(aiomodelarts))))
print(aiomodelarts.events.verify.__name__, aiomodelarts.obs.Obs.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[:2] == ["[]", "verify Obs"], done.stderr
