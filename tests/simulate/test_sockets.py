"""Over real sockets, with the platform's board as the judge: the same faults, our creates and the vendor's."""

from tests.simulate import sockets

LOST = [{"match": {"method": "POST", "path": sockets.PATH}, "probability": 0.3, "fault": {"kind": "reset_after"}}]


async def test_through_broken_lines_every_intent_gets_one_version_and_no_caller_sees_an_error() -> None:
    faults = [rule | {"count": 2} for rule in sockets.broken_lines(0.15)]
    count = await sockets.ours(40, faults, quiet_s=0.3)
    assert (count.handed, count.failed, count.living, count.most, count.twins) == (40, 0, 40, 1, 0), count
    assert len(count.faults) == 4, count


async def test_what_lands_or_shows_up_late_is_a_twin_that_is_stopped_and_reported() -> None:
    late = [rule | {"count": 2} for rule in sockets.late_landings(0.5, 0.2)]
    count = await sockets.ours(20, late, quiet_s=0.2, watch_s=2.0)
    assert (count.handed, count.failed, count.living, count.most) == (20, 0, 20, 1), count
    assert count.twins >= 1, count


async def test_the_vendors_client_with_its_retry_doubles_what_ours_makes_once() -> None:
    theirs = await sockets.the_vendors(20, LOST)
    assert theirs.living > theirs.asked, theirs
    assert theirs.most > 1, theirs
    ours = await sockets.ours(20, LOST, quiet_s=0.3)
    assert (ours.living, ours.most, ours.failed, ours.twins) == (20, 1, 0, 0), ours
    assert ours.adopted > 0, ours
