"""Every key has the line on which its statement begins."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.sweep.description.toml_lines import TomlSyntaxError, parse_toml

SAMPLE = '''# [not.a.table]
top = 1
[a]   # [comment]
x = { y = { z = 1 }, "dotted.key" = 2 }
many = [
  "[b]",   # c = 3
  """
  [d]
  e = 4""",
]

text = """
[f]
g = 5
"""
k.l = 6
[a.m]
n = 7
[[o]]
p = 8
'''


def test_lines_of_all_kinds_of_statements() -> None:
    lines = parse_toml(SAMPLE).lines
    assert lines == {
        ("top",): 2,
        ("a",): 3,
        ("a", "x"): 4,
        ("a", "x", "y"): 4,
        ("a", "x", "y", "z"): 4,
        ("a", "x", "dotted.key"): 4,
        ("a", "many"): 5,
        ("a", "text"): 12,
        ("a", "k"): 16,
        ("a", "k", "l"): 16,
        ("a", "m"): 17,
        ("a", "m", "n"): 18,
        ("o",): 19,
        ("o", "p"): 20,
    }


def test_a_path_that_is_not_there_has_the_line_of_the_table_around_it() -> None:
    document = parse_toml("[a]\n\n[b]\nc = 1\n")
    assert document.line_of(("b", "c", "d")) == 4
    assert document.line_of(("b", "e")) == 3
    assert document.line_of(("z",)) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = ", 1), ("a = 1\nb = = 2\n", 2), ("a = 1\r\n\r\na = 2\r\n", 3), ('a = 1\nb = """\n', 2)],
)
def test_a_syntax_error_has_a_line_and_no_position_in_its_words(text: str, line: int) -> None:
    with pytest.raises(TomlSyntaxError) as caught:
        parse_toml(text)
    assert caught.value.line == line
    assert "(at" not in str(caught.value)


def test_ten_thousand_lines_are_quick_to_index() -> None:
    # A statement tried again after each of its lines would take minutes here.
    values = "\n".join(f"  {number}," for number in range(20_000))
    document = parse_toml(f"a = [\n{values}\n]\nb = 1\n")
    assert document.lines == {("a",): 1, ("b",): 20_003}


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=12), max_size=6), st.integers(0, 3))
def test_each_written_key_is_found_on_its_line(pairs: dict[str, str], gap: int) -> None:
    def quoted(text: str) -> str:
        return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'

    written = [f"{quoted(key)} = {quoted(value)}" for key, value in pairs.items()]
    text = ("\n" * gap).join(["[t]\n", *(line + "\n" for line in written)])
    document = parse_toml(text)
    assert document.data == {"t": pairs} == tomllib.loads(text)
    expected = {("t",): 1} | {("t", key): index * (gap + 1) + gap + 2 - gap for index, key in enumerate(pairs, start=0)}
    assert {path: line for path, line in document.lines.items() if len(path) == 1} == {("t",): 1}
    found = text.split("\n")
    for key in pairs:
        assert found[document.lines["t", key] - 1].startswith(quoted(key) + " =")
    assert expected.keys() == document.lines.keys()
