"""Small faults to put into a module: for each node of its syntax tree what could stand there by mistake.

Owns the kinds of faults. A comparison is moved by one or turned around, a condition negated or cut, a
statement left out, a number moved by one, an element of a compared tuple dropped. Words that only a
person reads are left alone: messages, docstrings, annotations. Test: tests/unit/mutation/test_edits.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

OTHERWISE: dict[type[ast.AST], type[Any]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.BitXor: ast.BitOr, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.Pow: ast.Mult,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "set": "list"}
CODE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]*")  # a reason code; other texts are words


@dataclass
class Edit:
    """One fault: another node in the place of one.

    `function` is the qualified name of the outermost function around it, None outside of any, and
    `lines` the lines of the statement, half-open, without those of its body.
    """

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    words: str
    function: str | None
    lines: range

    def exchange(self) -> None:
        """Put the fault into the tree; done twice, the tree is as it was."""
        if self.index is None:
            old = getattr(self.parent, self.field)
            setattr(self.parent, self.field, self.node)
        else:
            nodes = getattr(self.parent, self.field)
            old, nodes[self.index] = nodes[self.index], self.node
        self.node = old


@dataclass(frozen=True)
class _Place:
    """Where the walk is: names of classes and functions around it, and the statement's lines."""

    names: tuple[str, ...] = ()
    in_function: bool = False
    lines: range = range(0)


def edits(tree: ast.Module) -> list[Edit]:
    """Every fault of a module, in the order of its text."""
    return list(_below(tree, _Place()))


def _below(parent: ast.AST, place: _Place) -> Iterator[Edit]:
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "args", "bases") and not isinstance(
            parent, ast.Call
        ):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or isinstance(node, ast.JoinedStr) or _is_text(node):
                continue
            here = _at(place, node)
            for new, words in _faults(node, here):
                ast.copy_location(new, node)
                yield Edit(
                    parent,
                    field,
                    index,
                    ast.fix_missing_locations(new),
                    f"{getattr(node, 'lineno', here.lines.start)}: {words}",
                    ".".join(here.names) if here.in_function else None,
                    here.lines,
                )
            yield from _below(node, _inside(here, node))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _at(place: _Place, node: ast.AST) -> _Place:
    if not isinstance(node, ast.stmt):
        return place
    body = getattr(node, "body", None)
    end = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
    return _Place(place.names, place.in_function, range(node.lineno, max(end, node.lineno + 1)))


def _inside(place: _Place, node: ast.AST) -> _Place:
    if place.in_function or not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return place
    return _Place((*place.names, node.name), isinstance(node, ast.FunctionDef), place.lines)


def _faults(node: ast.AST, place: _Place) -> Iterator[tuple[Any, str]]:
    text = " ".join(ast.unparse(node).split()) if isinstance(node, ast.expr | ast.stmt) else ""
    match node:
        case ast.Compare(left, ops, right):
            for i, op in enumerate(ops):
                other = OTHERWISE[type(op)]()
                yield ast.Compare(left, [*ops[:i], other, *ops[i + 1 :]], right), _said(text, other)
            if len(ops) > 1:
                yield ast.Compare(left, ops[:1], right[:1]), f"{text}: the first alone"
                yield ast.Compare(right[0], ops[1:], right[1:]), f"{text}: without the first"
            elif isinstance(left, ast.Tuple) and isinstance(right[0], ast.Tuple):
                for i in range(len(left.elts) if len(left.elts) == len(right[0].elts) else 0):
                    one, two = (ast.Tuple(_but(t.elts, i), ast.Load()) for t in (left, right[0]))
                    yield ast.Compare(one, ops, [two]), f"{text}: without element {i}"
        case ast.BoolOp(op, values):
            other = OTHERWISE[type(op)]()
            yield ast.BoolOp(other, values), _said(text, other)
            for i in range(len(values)):
                others = _but(values, i)
                new = others[0] if len(others) == 1 else ast.BoolOp(op, others)
                yield new, f"{text}: without {i}"
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand, f"{text}: without the sign"
        case ast.BinOp(left, op, right) if type(op) in OTHERWISE:
            other = OTHERWISE[type(op)]()
            yield ast.BinOp(left, other, right), _said(text, other)
        case ast.IfExp(_, body, orelse):
            yield body, f"{text}: always the first"
            yield orelse, f"{text}: always the second"
        case ast.Constant(bool(value)):
            yield ast.Constant(not value), f"{not value} for {value}"
        case ast.Constant(int(value)):
            yield ast.Constant(value + 1), f"{value + 1} for {value}"
            yield ast.Constant(value - 1), f"{value - 1} for {value}"
        case ast.Constant(bytes(value)) if value:
            yield ast.Constant(value[:-1] + bytes([value[-1] ^ 1])), f"another byte in {value!r}"
        case ast.Constant(str(value)) if CODE.fullmatch(value):
            yield ast.Constant(value + "_"), f"another code than {value}"
        case ast.Call(ast.Name(name), arguments, keywords) if name in CALLS and arguments:
            function = ast.Name(CALLS[name], ast.Load())
            kept = [] if name == "sorted" else keywords
            yield ast.Call(function, arguments, kept), f"{text}: {CALLS[name]}"
        case ast.Subscript(value, ast.Slice(lower, upper, step), ast.Load() as load):
            if lower is not None:
                cut = ast.Slice(None, upper, step)
                yield ast.Subscript(value, cut, load), f"{text}: without its start"
            if upper is not None:
                cut = ast.Slice(lower, None, step)
                yield ast.Subscript(value, cut, load), f"{text}: without its end"
        case ast.Set(elements) if len(elements) > 1:
            for i, element in enumerate(elements):
                yield ast.Set(_but(elements, i)), f"without {ast.unparse(element)}"
        case ast.comprehension(target, source, conditions, is_async) if conditions:
            yield ast.comprehension(target, source, [], is_async), "without the filter"
        case ast.ExceptHandler(ast.Tuple(types), name, body):
            for i, caught in enumerate(types):
                fewer = ast.Tuple(_but(types, i), ast.Load())
                yield ast.ExceptHandler(fewer, name, body), f"{ast.unparse(caught)} not caught"
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse), f"not {ast.unparse(test)}"
            yield ast.If(ast.Constant(False), body, orelse), f"never {ast.unparse(test)}"
            if not orelse:
                yield ast.If(ast.Constant(True), body, []), f"always {ast.unparse(test)}"
        case ast.For(target, source, body, orelse):
            none = ast.Call(ast.Name("iter", ast.Load()), [ast.Tuple([], ast.Load())], [])
            yield ast.For(target, none, body, orelse), f"over nothing, not {ast.unparse(source)}"
        case ast.Return(value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None)), f"None for {ast.unparse(value)}"
            if isinstance(value, ast.Compare | ast.BoolOp | ast.Call):
                yield ast.Return(ast.Constant(True)), f"True for {ast.unparse(value)}"
                yield ast.Return(ast.Constant(False)), f"False for {ast.unparse(value)}"
        case ast.Expr() | ast.Raise() | ast.AugAssign() | ast.Return() | ast.Delete():
            if place.in_function:
                yield ast.Pass(), f"without {text}"
        case ast.Assign([ast.Subscript() | ast.Attribute()]):
            yield ast.Pass(), f"without {text}"
        case ast.Continue():
            yield ast.Break(), "break for continue"
            yield ast.Pass(), "without continue"
        case ast.Break():
            yield ast.Continue(), "continue for break"
            yield ast.Pass(), "without break"


def _said(text: str, other: ast.AST) -> str:
    return f"{text}: {type(other).__name__}"


def _but(nodes: Sequence[ast.expr], index: int) -> list[ast.expr]:
    return [node for i, node in enumerate(nodes) if i != index]


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
