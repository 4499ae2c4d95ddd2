"""The moves a version may make. A move outside this table is a defect of the platform, not of its user."""

from aiomodelarts.status import JobStatus as S

_ENDINGS_OF_A_RUN = {S.COMPLETED, S.FAILED, S.SUBMIT_MODEL_FAILED, S.DEPLOY_SERVICE_FAILED}

MOVES: dict[S, frozenset[S]] = {
    S.INIT: frozenset(
        {
            S.IMAGE_CREATING,
            S.SUBMIT_TRYING,
            S.WAITING,
            S.CHECK_INIT,
            S.IMAGE_FAILED,
            S.SUBMIT_FAILED,
            S.KILLING,
        }
    ),
    S.CHECK_INIT: frozenset({S.CHECK_RUNNING, S.CHECK_FAILED, S.KILLING}),
    S.CHECK_RUNNING: frozenset({S.CHECK_RUNNING_COMPLETED, S.CHECK_FAILED, S.KILLING}),
    S.CHECK_RUNNING_COMPLETED: frozenset({S.INIT, S.SUBMIT_TRYING, S.WAITING}),
    S.IMAGE_CREATING: frozenset({S.SUBMIT_TRYING, S.WAITING, S.IMAGE_FAILED, S.KILLING}),
    S.SUBMIT_TRYING: frozenset({S.WAITING, S.RUNNING, S.SUBMIT_FAILED, S.MOUNT_FAILED, S.KILLING}),
    S.WAITING: frozenset({S.RUNNING, S.SUBMIT_FAILED, S.MOUNT_FAILED, S.CANCELED, S.LOST, S.KILLING}),
    S.RUNNING: frozenset({*_ENDINGS_OF_A_RUN, S.SCALING, S.LOST, S.KILLING}),
    S.SCALING: frozenset({S.RUNNING, S.FAILED, S.LOST, S.KILLING}),
    S.KILLING: frozenset({S.KILLED, S.CANCELED, S.COMPLETED, S.FAILED}),
    S.LOST: frozenset({S.RUNNING, S.FAILED}),
}

STOPPABLE = frozenset({S.INIT, S.IMAGE_CREATING, S.SUBMIT_TRYING, S.WAITING, S.RUNNING, S.SCALING})
"""The statuses in which a stop is accepted."""

VISUALIZATION_RESTARTABLE = frozenset({S.SUBMIT_FAILED, S.COMPLETED, S.FAILED, S.KILLED, S.CANCELED})
VISUALIZATION_STOPPABLE = frozenset({S.INIT, S.WAITING, S.RUNNING})


class IllegalMoveError(RuntimeError):
    """The platform tried to move a version along a way that does not exist."""


def check_move(before: S, after: S) -> None:
    """Return if the table has this move, raise :class:`IllegalMoveError` otherwise."""
    if after not in MOVES.get(before, frozenset()):
        raise IllegalMoveError(f"a version cannot go from {before.name} to {after.name}")
