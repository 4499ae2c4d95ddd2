"""Rules between hyperparameters, as in ``batch * layers <= 512``: a small part of Python's expressions. Pure."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from ..problems import nearest
from .axes import Axis, Choice
from .conditions import Point

_Evaluate = Callable[[Point], Any]

_LONGEST = 500
_QUOTED = re.compile(r"`([^`]*)`")

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    # As numbers of the machine: a power of whole numbers may have millions of digits.
    ast.Pow: lambda base, exponent: float(base) ** float(exponent),
}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_EQUALITY: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_MEMBERSHIP: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.In: lambda value, values: value in values,
    ast.NotIn: lambda value, values: value not in values,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "max": max, "min": min}

_NUMBER, _TEXT, _TRUTH, _MIXED = "a number", "text", "true or false", "of several kinds"


@frozen
class Constraint:
    """A rule that every point has to keep.

    It says nothing about points in which one of its hyperparameters is absent. Where it cannot be computed, as in a
    division by zero, it is not kept.

    Args:
        text: the rule.
        names: of its hyperparameters.
    """

    text: str
    names: frozenset[str]
    _evaluate: _Evaluate = field(eq=False, repr=False)

    @classmethod
    def parse(cls, text: str, axes: Mapping[str, Axis]) -> "Constraint":
        """The rule that a text states.

        Args:
            text: a comparison; names that are no words of Python stand in backquotes.
            axes: what it may be about.

        Raises:
            ValueError: it is no such rule; the message says what is wrong.
        """
        if len(text) > _LONGEST:
            raise ValueError(f"has {len(text)} characters, and at most {_LONGEST} are read")
        compiler = _Compiler(axes)
        try:
            tree = ast.parse(compiler.unquoted(text), mode="eval")
            kind, evaluate = compiler.compile(tree.body)
        except SyntaxError as error:
            raise ValueError(f"is no expression: {error.msg}") from None
        except (RecursionError, MemoryError):
            raise ValueError("is nested too deeply") from None
        if kind != _TRUTH:
            raise ValueError(f"is {kind}, and has to be a comparison, as in batch * layers <= 512")
        if not compiler.used:
            raise ValueError("is about no hyperparameter")
        return cls(text, frozenset(compiler.used), evaluate)

    def is_kept(self, point: Point) -> bool:
        """Whether the point keeps the rule."""
        if not self.names <= point.keys():
            return True
        try:
            return bool(self._evaluate(point))
        except (ArithmeticError, ValueError, TypeError):
            return False


class _Compiler:
    """Turns a tree into a function, with the kind of its result; whatever is not listed here is refused."""

    def __init__(self, axes: Mapping[str, Axis]) -> None:
        self._axes = axes
        self._quoted: dict[str, str] = {}
        self.used: set[str] = set()

    def unquoted(self, text: str) -> str:
        """The text with a word in place of each name in backquotes."""

        def word(match: re.Match[str]) -> str:
            stand_in = f"_quoted_{len(self._quoted)}"
            self._quoted[stand_in] = match[1]
            return stand_in

        return _QUOTED.sub(word, text)

    def compile(self, node: ast.expr) -> tuple[str, _Evaluate]:
        read = _NODES.get(type(node))
        if read is None:
            raise ValueError(
                f"holds {_shown(node)}, and only comparisons, and, or, not, + - * / // % **, "
                "in [...], min, max and abs are read"
            )
        return read(self, node)

    def name(self, node: ast.Name) -> tuple[str, _Evaluate]:
        name = self._quoted.get(node.id, node.id)
        axis = self._axes.get(name)
        if axis is None:
            raise ValueError(f"names {name}; {nearest(name, self._axes)} (one with other signs stands in backquotes)")
        self.used.add(name)
        return _kind_of_axis(axis), lambda point: point[name]

    def constant(self, node: ast.Constant) -> tuple[str, _Evaluate]:
        value = node.value
        if not isinstance(value, str | int | float):
            raise ValueError(f"holds {_shown(node)}, which is no number, text or truth value")
        return _kind_of_value(value), lambda _: value

    def unary(self, node: ast.UnaryOp) -> tuple[str, _Evaluate]:
        if isinstance(node.op, ast.Not):
            inner = self._of_kind(node.operand, _TRUTH, "not")
            return _TRUTH, lambda point: not inner(point)
        inner = self._of_kind(node.operand, _NUMBER, "a sign")
        if isinstance(node.op, ast.USub):
            return _NUMBER, lambda point: -inner(point)
        if isinstance(node.op, ast.UAdd):
            return _NUMBER, inner
        raise ValueError(f"holds {_shown(node)}, which is not read")

    def binary(self, node: ast.BinOp) -> tuple[str, _Evaluate]:
        work = _ARITHMETIC.get(type(node.op))
        if work is None:
            raise ValueError(f"holds {_shown(node)}; of the operators + - * / // % ** are read")
        left, right = (self._of_kind(side, _NUMBER, "arithmetic") for side in (node.left, node.right))
        return _NUMBER, lambda point: work(left(point), right(point))

    def boolean(self, node: ast.BoolOp) -> tuple[str, _Evaluate]:
        parts = [self._of_kind(part, _TRUTH, "and and or") for part in node.values]
        settle = all if isinstance(node.op, ast.And) else any
        return _TRUTH, lambda point: settle(part(point) for part in parts)

    def comparison(self, node: ast.Compare) -> tuple[str, _Evaluate]:
        sides = [node.left, *node.comparators]
        pairs = [self._pair(*three) for three in zip(node.ops, sides, sides[1:], strict=False)]
        return _TRUTH, lambda point: all(pair(point) for pair in pairs)

    def call(self, node: ast.Call) -> tuple[str, _Evaluate]:
        work = _FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if work is None or node.keywords or not node.args or (work is abs and len(node.args) != 1):
            raise ValueError(f"calls {_shown(node)}; min, max and abs of numbers are read")
        parts = [self._of_kind(part, _NUMBER, "min, max and abs") for part in node.args]
        if work is not abs and len(parts) == 1:
            return _NUMBER, parts[0]
        return _NUMBER, lambda point: work(*(part(point) for part in parts))

    def _pair(self, how: ast.cmpop, left: ast.expr, right: ast.expr) -> _Evaluate:
        kind, value = self.compile(left)
        if type(how) in _MEMBERSHIP:
            return self._member(_MEMBERSHIP[type(how)], value, right)
        compare = _ORDER.get(type(how)) or _EQUALITY.get(type(how))
        if compare is None:
            raise ValueError("compares with is; write == or !=")
        other_kind, other = self.compile(right)
        both = f"{_shown(left)} ({kind}) and {_shown(right)} ({other_kind})"
        if type(how) in _ORDER and {kind, other_kind} != {_NUMBER}:
            raise ValueError(f"asks which of {both} is larger, and only numbers are")
        if kind != other_kind and _MIXED not in {kind, other_kind}:
            raise ValueError(f"compares {both}, which are never equal")
        return lambda point: compare(value(point), other(point))

    def _member(self, work: Callable[[Any, Any], bool], value: _Evaluate, right: ast.expr) -> _Evaluate:
        if not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise ValueError("takes a list after in, as in layers in [2, 4]")
        values = [self.compile(one)[1] for one in right.elts]
        return lambda point: work(value(point), [one(point) for one in values])

    def _of_kind(self, node: ast.expr, wanted: str, what: str) -> _Evaluate:
        kind, evaluate = self.compile(node)
        if kind != wanted:
            raise ValueError(f"has {_shown(node)}, which is {kind}, where {what} needs {wanted}")
        return evaluate


_NODES: dict[type[ast.expr], Callable[[_Compiler, Any], tuple[str, _Evaluate]]] = {
    ast.Name: _Compiler.name,
    ast.Constant: _Compiler.constant,
    ast.UnaryOp: _Compiler.unary,
    ast.BinOp: _Compiler.binary,
    ast.BoolOp: _Compiler.boolean,
    ast.Compare: _Compiler.comparison,
    ast.Call: _Compiler.call,
}


def _kind_of_value(value: object) -> str:
    if isinstance(value, bool):
        return _TRUTH
    return _TEXT if isinstance(value, str) else _NUMBER


def _kind_of_axis(axis: Axis) -> str:
    if not isinstance(axis, Choice):
        return _NUMBER
    kinds = {_kind_of_value(value) for value in axis.values}
    return kinds.pop() if len(kinds) == 1 else _MIXED


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:37] + "..."
