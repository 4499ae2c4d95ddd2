"""What a sweep took in before it began, as rows."""

import json
from typing import Any

from attrs import asdict
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..search.warm_start import History, LeftOut, Observation
from . import schema
from .rows import text_of

_rows, _sweeps = schema.observations, schema.sweeps
# The row at this position says what the others were taken for, and what could not be taken.
_HEAD = 0


async def history_of(connection: AsyncConnection, sweep_id: int) -> History | None:
    """What the sweep took in, or None when it has not done so yet."""
    asked = select(_rows).where(_rows.c.sweep_id == sweep_id).order_by(_rows.c.position)
    rows = (await connection.execute(asked)).all()
    if not rows:
        return None
    told = json.loads(rows[0].source)
    return History(
        told["settings"],
        tuple(Observation(json.loads(row.point), tuple(json.loads(row.objectives)), row.source) for row in rows[1:]),
        tuple(LeftOut(**{**one, "named": tuple(one["named"])}) for one in told["left_out"]),
        tuple(told["notes"]),
    )


async def keep_history(connection: AsyncConnection, sweep_id: int, history: History) -> History:
    """Keep what the sweep takes in; returns what is kept, where another controller was first.

    Args:
        connection: inside a transaction.
        sweep_id: the sweep.
        history: takes the place of one that was taken for other settings.
    """
    # Two controllers may begin at once.
    await connection.execute(select(_sweeps.c.id).where(_sweeps.c.id == sweep_id).with_for_update())
    kept = await history_of(connection, sweep_id)
    if kept is not None and text_of(kept.settings) == text_of(history.settings):
        return kept
    await connection.execute(delete(_rows).where(_rows.c.sweep_id == sweep_id))
    left_out = [asdict(one) for one in history.left_out]
    told = {"settings": history.settings, "left_out": left_out, "notes": history.notes}
    head = _row(sweep_id, _HEAD, text_of(told), {}, ())
    taken = [
        _row(sweep_id, position, one.source, one.point, one.values)
        for position, one in enumerate(history.observations, start=_HEAD + 1)
    ]
    await connection.execute(insert(_rows), [head, *taken])
    return history


def _row(sweep_id: int, position: int, source: str, point: Any, values: Any) -> dict[str, Any]:
    # The order of a point's names is that of the space.
    return {
        "sweep_id": sweep_id,
        "position": position,
        "source": source,
        "point": json.dumps(point, ensure_ascii=False),
        "objectives": text_of(values),
    }
