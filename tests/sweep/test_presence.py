"""Whether another controller of this machine is still there."""

import os
import subprocess
import sys

from aiomodelarts import _presence as presence


def test_a_process_that_runs_is_there() -> None:
    assert not presence.is_gone(presence.place(), presence.process())


def test_a_process_that_has_ended_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        who = presence.process(child.pid)
        assert not presence.is_gone(presence.place(), who)
        child.kill()
        child.wait()
        assert presence.is_gone(presence.place(), who)


def test_a_number_that_came_round_again_is_another_process() -> None:
    assert presence.is_gone(presence.place(), f"{os.getpid()} 1")


def test_nothing_is_known_of_other_machines() -> None:
    assert not presence.is_gone("elsewhere", "1 1")
