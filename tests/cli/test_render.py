"""Tables on wide and narrow terminals, and where there is none."""

import pytest
from attrs import evolve

from aiomodelarts.cli.render import point, print_rows
from aiomodelarts.cli.sweep_past import _columns
from aiomodelarts.sweep.ledger.records import Event
from aiomodelarts.sweep.trial import TrialState

HEADS = ("job_id", "name", "created")
ROWS = [("5", "sentiment", "2026-11-28"), ("66", "日本", "2026-11-29")]


@pytest.mark.parametrize(
    ("columns", "head"),
    [(None, "job_id   name        created"), ("40", "job_id   name        created"), ("25", "job_id   name")],
)
def test_columns_that_can_be_spared_give_way_to_whole_rows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str | None, head: str
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    print_rows(HEADS, ROWS, spare=("created",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == head
    assert [line.split()[:2] for line in lines[2:]] == [["5", "sentiment"], ["66", "日本"]]


def test_where_nothing_more_can_be_spared_cells_are_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "16")
    print_rows(HEADS, ROWS, spare=("created",))
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 16
    assert "created" not in out


def test_without_a_terminal_no_row_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_rows(("name",), [("x" * 500,)])
    assert "x" * 500 in capsys.readouterr().out.splitlines()


def test_what_moves_a_terminal_is_shown_and_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(("name",), [("a\nb\x1b[31m[bold]",)])
    assert capsys.readouterr().out.splitlines()[2] == "a\\nb\\x1b[31m[bold]"


def test_nothing_is_said_to_be_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(HEADS, [])
    assert capsys.readouterr() == ("", "There are none.\n")


def test_a_point_stands_on_one_line_and_cannot_steer_a_terminal() -> None:
    assert point({"a\nb": "x\x1b[2J\ny", "flag": True, "größe": 0.5}) == r"a\nb=x\x1b[2J\ny  flag=true  größe=0.5"


def test_the_history_of_a_trial_leaves_room_for_its_reasons_on_a_narrow_terminal() -> None:
    events = [Event(1.7e9 + second, 1, 1, TrialState.RUNNING, "made", 1) for second in (0, 5)]

    def times(events: list[Event], width: int) -> list[str]:
        return [_columns(events, width)["time"](one) for one in events]

    assert [len(cell) for cell in times(events, 65)] == [len("12:00:00")] * 2
    assert [len(cell) for cell in times(events, 80)] == [len("2023-11-14 12:00:00")] * 2
    # Where days differ, they are told.
    days = [*events, evolve(events[0], at=1.7e9 + 86400)]
    assert [len(cell) for cell in times(days, 65)] == [len("2023-11-14 12:00:00")] * 3
