"""What has to be true of those who followed logs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aiomodelarts.errors import LogGone, NotAllowed, StateUnclear, VersionGone
from tests.simulate.watching.board import LogFile, is_end
from tests.simulate.watching.bounds import Bounds, endured_s
from tests.simulate.watching.readers import Reader

if TYPE_CHECKING:
    from tests.simulate.watching.plan import Plan

_LONGEST_PAUSE_S = 10.0


def problems(reader: Reader, plan: "Plan", limits: Bounds) -> Iterator[str]:
    """Whatever is wrong with what a reader was given, and with how it ended."""
    if reader.ended_on_board_s is None:
        yield "it never ended"
        return
    files = {file.name: file for file in reader.life.files}
    for name in {line.log_file for _, line in reader.lines} | files.keys():
        if name not in files:
            yield f"lines of {name}, and there are {sorted(files)}"
        else:
            yield from _lines_wrong(reader, files[name])
    yield from _ended_wrong(reader, plan)
    if plan.is_calm and not reader.halts and not reader.slow_s:
        known = max(plan.on_loop(reader.life.quiet_s), reader.starts_s)
        latest = plan.latest(known, endured_s(plan, reader.life.last) + limits.gone_s + _LONGEST_PAUSE_S)
        # From the end back to the start and forth again, in pages of which one line can be known already.
        pages = 2 * sum(2 + file.size // max(plan.log_page - 1, 1) for file in reader.life.files)
        latest += pages * 2 * plan.latency_s[1]
        if reader.ended_s > latest:
            yield f"it ended at {reader.ended_s:.2f} s, {reader.ended_s - latest:.2f} s late"


def _lines_wrong(reader: Reader, file: LogFile) -> Iterator[str]:
    lines = [(at_s, str(line)) for at_s, line in reader.lines if line.log_file == file.name]
    numbers = [int(text) for _, text in lines]
    if numbers:
        first, last = file.first_at(reader.began_on_board_s), file.first_at(lines[0][0])
        if not first <= numbers[0] <= last:
            yield f"{file.name} begins with line {numbers[0]}, not with one from {first} to {last}"
        expected = list(range(numbers[0], numbers[0] + len(numbers)))
        if numbers != expected:
            wrong = next(index for index, pair in enumerate(zip(numbers, expected, strict=True)) if pair[0] != pair[1])
            yield f"{file.name}: line {numbers[wrong]} comes after line {numbers[wrong - 1]}"
        if any(file.size_at(at_s) <= int(text) for at_s, text in lines):
            yield f"{file.name}: a line came before it was written"
    # A lost version that returns after the patience with it goes on without its readers.
    whole = reader.error is None and reader.life.moves[-1][0] <= (reader.ended_on_board_s or 0.0)
    if whole and (not numbers or numbers[-1] != file.size - 1):
        there = file.first_at(reader.ended_on_board_s or 0.0) < file.size
        if there or numbers:
            yield f"{file.name} ended with line {numbers[-1] if numbers else None} of {file.size}"


def _ended_wrong(reader: Reader, plan: "Plan") -> Iterator[str]:
    life, now, error = reader.life, reader.ended_on_board_s or 0.0, reader.error
    match error:
        case None:
            right = life.ended_s <= now or (life.last.is_final and life.moves[-1][0] <= now) or _was_lost(reader)
        case VersionGone():
            right = life.deleted_s <= now
        case LogGone():
            cut = any(cut_s <= now and gone > 0 for file in life.files for cut_s, gone in file.cuts)
            right = life.cleared_s <= now or (cut and _reached(reader))
        case StateUnclear():
            right = any(status.is_doubtful for at_s, status in life.moves if at_s <= now)
        case NotAllowed():
            right = plan.refuses
        case _:
            right = False
    if not right:
        yield f"it ended with {error!r} at {now:.2f} s, and the board says {life}"


def _was_lost(reader: Reader) -> bool:
    return any(status.is_final and not is_end(status) for _, status in reader.life.moves)


def _reached(reader: Reader) -> bool:
    """Whether the place that was read last, or the marker that it hangs on, can have been cut off."""
    for file in reader.life.files:
        last = [int(line) for _, line in reader.lines if line.log_file == file.name][-1:]
        base = [line.position for _, line in reader.lines if line.log_file == file.name and line.position][-1:]
        gone = max((gone for _, gone in file.cuts), default=0)
        if last and base and int(base[0][0]) - 10**18 < gone:
            return True
    return False
