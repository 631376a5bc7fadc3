"""The contracts with all their mutants at once: contracts/ -> a copy that says where it was, and can be told to err.

A mutant is a small fault: a statement left out, a comparison with its boundary moved, a condition that is always true.
To compile each mutant, and to start its tests anew, takes half a minute a mutant. So the copy contains all of them, as
`(mutant(17) ? a <= b : a < b)`: it behaves as the original until a number is chosen, which is the balance of an
address that nobody has, and then as that one mutant. Compiled once, a mutant costs the tests that find it.

The same copy tells what was reached: where the balance is RECORD, each point that is passed calls the address of
Anvil's console with its number, and Anvil prints it. A condition has two further points, one for each way it goes.

The places come from the compiler's syntax tree, not from patterns in the text. Left as they are: assembly, constants,
what runs at compile time, and everything outside of functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Node: TypeAlias = dict[str, Any]

CHOICE: Final = "0x000000000000000000000000000000006d757461"
"""Whose balance chooses the mutant."""
RECORD: Final = 2**32 - 1
NONE: Final = 0

SUPPORT: Final = "contracts/Mutants.sol"
_SUPPORT_SOURCE: Final = f"""// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

function passed(uint256 point) view returns (bool) {{
    assembly ("memory-safe") {{
        mstore(0x00, 0xf82c50f1)
        mstore(0x20, point)
        pop(staticcall(gas(), 0x000000000000000000636F6e736F6c652e6c6f67, 0x1c, 0x24, 0x00, 0x00))
    }}
    return false;
}}

function chosen() view returns (uint256) {{
    return address({CHOICE}).balance;
}}

function mutant(uint256 point) view returns (bool) {{
    uint256 choice = chosen();
    return choice == {RECORD} ? passed(point) : choice == point;
}}

function also(uint256 point) view returns (bool) {{
    return chosen() == point;
}}

function went(bool condition, uint256 point) view returns (bool) {{
    if (chosen() == {RECORD}) passed(condition ? point : point + 1);
    return condition;
}}
"""

_RELATIONS: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_ARITHMETIC: Final = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&", "<<": ">>", ">>": "<<"}
_COMPOUND: Final = {"+=": "-=", "-=": "+=", "|=": "&=", "&=": "|="}
_DELETED: Final = ("ExpressionStatement", "EmitStatement", "RevertStatement")


@dataclass(frozen=True)
class Point:
    """A place in the contracts, by its number: a statement, a way of a condition, a mutant.

    `kind` is "statement", "true", "false" or, of a mutant, what it does; `text` is the source there, `function` the
    one that it is in. Of several mutants of one place only that with the number `place` tells that it was reached.
    Numbers and lines change with every edit of the contracts, the other fields only with their function.
    """

    number: int
    file: str
    line: int
    function: str
    kind: str
    text: str
    mutant: bool
    statement: bool
    place: int

    def key(self) -> tuple[str, str, str, str]:
        """What stays while lines move."""
        return (self.file, self.function, self.kind, self.text)


@dataclass
class Instrumented:
    """Sources by name, as the compiler takes them, and the points in them by number."""

    sources: dict[str, str] = field(default_factory=dict)
    points: dict[int, Point] = field(default_factory=dict)


def instrument(sources: Mapping[str, str], trees: Mapping[str, Node], *, mutated: Iterable[str]) -> Instrumented:
    """The copy of all `sources`, with mutants in the files `mutated` and points of coverage in all.

    `trees` are solc's syntax trees by file name.
    """
    result = Instrumented()
    wanted = set(mutated)
    for name in sorted(sources):
        result.sources[name] = _File(name, sources[name], result.points, mutated=name in wanted).render(trees[name])
    result.sources[SUPPORT] = _SUPPORT_SOURCE
    return result


class _File:
    """One file while it is written anew; what is drawn from it are byte ranges, as the tree counts."""

    def __init__(self, name: str, source: str, points: dict[int, Point], *, mutated: bool) -> None:
        self._name, self._bytes, self._points, self._mutated = name, source.encode(), points, mutated
        self._function = ""

    def render(self, tree: Node) -> str:
        head = 'import {mutant, also, went} from "' + "../" * self._name.count("/") + SUPPORT + '";'
        text = self._splice(tree)
        return re.sub(r"(pragma solidity [^;]*;)", lambda found: f"{found[0]}\n{head}", text, count=1)

    # ---- text

    def _span(self, node: Node) -> tuple[int, int]:
        start, length, _ = (int(part) for part in node["src"].split(":"))
        return start, start + length

    def _text(self, node: Node) -> str:
        start, end = self._span(node)
        return self._bytes[start:end].decode()

    def _splice(self, node: Node, *, only: Iterable[Node] | None = None) -> str:
        """The node's text, with its children rendered."""
        start, end = self._span(node)
        parts, at = [], start
        for child in sorted(only if only is not None else _children(node), key=lambda each: self._span(each)[0]):
            first, last = self._span(child)
            if first < at:  # the tree names a place twice, as in `uint256 a; uint256 b` of one declaration
                continue
            parts += [self._bytes[at:first].decode(), self._render(child)]
            at = last
        return "".join(parts) + self._bytes[at:end].decode()

    def _render(self, node: Node) -> str:
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", node["nodeType"]).lower()
        handler = getattr(self, f"_render_{kind}", None)
        return str(handler(node)) if handler else self._splice(node)

    # ---- points

    def _point(
        self, node: Node, kind: str, *, mutant: bool = True, statement: bool = False, place: int | None = None
    ) -> int:
        number = len(self._points) + 1
        line = self._bytes[: self._span(node)[0]].count(b"\n") + 1
        text = re.sub(r"\s+", " ", self._text(node))
        self._points[number] = Point(
            number, self._name, line, self._function, kind, text, mutant, statement, place or number
        )
        return number

    def _either(self, node: Node, rendered: str, variants: Iterable[tuple[str, str]]) -> str:
        """An expression that is one of the variants where it is chosen."""
        if not self._mutated:
            return rendered
        words: list[str] = []
        place = None
        for kind, text in variants:
            number = self._point(node, kind, place=place)
            words.append(f"{'also' if place else 'mutant'}({number}) ? {text} : ")
            place = place or number
        return f"({''.join(words)}{rendered})" if words else rendered

    # ---- declarations

    def _render_function_definition(self, node: Node) -> str:
        if node.get("body") is None:
            return _impure(self._text(node))
        self._function = node["name"] or node["kind"]
        start, _ = self._span(node)
        body_start, _ = self._span(node["body"])
        header = _impure(self._bytes[start:body_start].decode())
        body = self._block(node["body"])
        if self._mutated and (match := re.search(r"\brestricted\b", header)) is not None:
            number = self._point(node["modifiers"][-1], "no authority asked")
            header = header[: match.start()] + header[match.end() :]
            body = "{" + f"if (!mutant({number})) _checkCanCall(msg.sender, msg.data);" + body[1:]
        self._function = ""
        return header + body

    def _render_modifier_definition(self, node: Node) -> str:
        return self._text(node)

    def _render_variable_declaration(self, node: Node) -> str:
        return self._text(node)

    # ---- statements

    def _block(self, node: Node) -> str:
        start, end = self._span(node)
        parts, at = [], start
        for statement in node["statements"]:
            first, last = self._whole(statement)
            parts += [self._bytes[at:first].decode(), self._statement(statement)]
            at = last
        return "".join(parts) + self._bytes[at:end].decode()

    def _whole(self, node: Node) -> tuple[int, int]:
        """A statement with its semicolon, which the tree leaves out of simple ones."""
        start, end = self._span(node)
        semicolon = re.match(rb"\s*;", self._bytes[end:])
        return start, end if semicolon is None else end + semicolon.end()

    def _body(self, node: Node) -> str:
        """What follows a condition, always in braces."""
        return self._block(node) if node["nodeType"] == "Block" else "{" + self._statement(node) + "}"

    def _statement(self, node: Node) -> str:
        kind = node["nodeType"]
        if kind in ("Block", "UncheckedBlock"):
            return self._block(node)
        if kind in _DELETED and not _sets_pointer(node):
            return self._deletable(node)
        reached = f"mutant({self._point(node, 'statement', mutant=False, statement=True)});"
        if kind == "IfStatement":
            alternative = node.get("falseBody")
            rest = f" else {self._body(alternative)}" if alternative is not None else ""
            return f"{reached} if ({self._condition(node['condition'])}) {self._body(node['trueBody'])}{rest}"
        if kind in ("ForStatement", "WhileStatement"):
            return reached + self._loop(node)
        if kind == "TryStatement":
            clauses = [clause["block"] for clause in node["clauses"]]
            start, end = self._span(node)
            parts, at = [], start
            for clause in clauses:
                first, last = self._span(clause)
                parts += [self._bytes[at:first].decode(), self._block(clause)]
                at = last
            return reached + "".join(parts) + self._bytes[at:end].decode()
        if kind == "InlineAssembly":
            return reached + self._text(node)
        # The tree counts the semicolon in only where a return is alone.
        return reached + self._splice(node).removesuffix(";") + ";"

    def _deletable(self, node: Node) -> str:
        inner = node.get("expression") or node.get("eventCall") or node.get("errorCall") or {}
        start, end = self._span(node)
        first, last = self._span(inner)
        # Not rendered as an expression: what swaps its arguments is the whole statement.
        whole = self._splice(inner) if inner["nodeType"] == "FunctionCall" else self._render(inner)
        before, after = self._bytes[start:first].decode(), self._bytes[last:end].decode()
        rendered = before + whole + after
        if not self._mutated:
            return f"mutant({self._point(node, 'statement', mutant=False, statement=True)}); {rendered};"
        number = self._point(node, "left out", statement=True)
        others = ""
        if inner.get("nodeType") == "Assignment" and inner["operator"] in _COMPOUND:
            other = _COMPOUND[inner["operator"]]
            text = self._text(node).replace(inner["operator"], other, 1)
            others = f"else if (also({self._point(node, other, place=number)})) {{ {text}; }}"
        elif (swapped := self._swapped(inner)) is not None:
            others = f"else if (also({self._point(node, 'arguments swapped', place=number)})) {{ {before}{swapped}; }}"
        return f"if (mutant({number})) {{}} {others} else {{ {rendered}; }}"

    def _loop(self, node: Node) -> str:
        condition = node["condition"]
        number = self._ways(condition)
        start, _ = self._span(node)
        first, last = self._span(condition)
        body_start, _ = self._span(node["body"])
        told = f"went({self._render(condition)}, {number})"
        condition_text = self._either(condition, told, [("never", "false")])
        return (
            self._bytes[start:first].decode()
            + condition_text
            + self._bytes[last:body_start].decode()
            + (self._body(node["body"]))
        )

    def _condition(self, node: Node) -> str:
        number = self._ways(node)
        told = f"went({self._render(node)}, {number})"
        return self._either(node, told, [("always", "true"), ("never", "false")])

    def _ways(self, condition: Node) -> int:
        number = self._point(condition, "true", mutant=False)
        self._point(condition, "false", mutant=False)
        return number

    # ---- expressions

    def _render_conditional(self, node: Node) -> str:
        parts = (node["trueExpression"], node["falseExpression"])
        one, other = (self._render(part) for part in parts)
        return f"({self._condition(node['condition'])} ? {one} : {other})"

    def _render_binary_operation(self, node: Node) -> str:
        if _is_constant(node):
            return self._text(node)
        left, right = node["leftExpression"], node["rightExpression"]
        rendered = f"({self._splice(node, only=[left, right])})"
        one, other, operator = self._text(left), self._text(right), node["operator"]
        if operator in ("&&", "||"):
            return self._either(node, rendered, [("first alone", one), ("second alone", other)])
        if (swap := _RELATIONS.get(operator) or _ARITHMETIC.get(operator)) is None:
            return rendered
        return self._either(node, rendered, [(f"{operator} is {swap}", f"({one} {swap} {other})")])

    def _render_unary_operation(self, node: Node) -> str:
        if node["operator"] in ("++", "--", "delete", "-"):
            return self._text(node)
        rendered = self._splice(node)
        if _is_constant(node):
            return rendered
        return self._either(node, rendered, [(f"no {node['operator']}", self._text(node["subExpression"]))])

    def _render_assignment(self, node: Node) -> str:
        return self._splice(node, only=[node["rightHandSide"]])

    def _render_function_call(self, node: Node) -> str:
        if _is_constant(node) or (node.get("kind") == "typeConversion" and _is_constant(node["arguments"][0])):
            return self._text(node)
        rendered = self._splice(node)
        type_name = node["typeDescriptions"]["typeString"]
        if node.get("kind") != "functionCall" or type_name.startswith("tuple") or "function" in type_name:
            return rendered
        if (swapped := self._swapped(node)) is None:
            return rendered
        return self._either(node, rendered, [("arguments swapped", swapped)])

    def _render_literal(self, node: Node) -> str:
        text = self._text(node)
        if node["kind"] == "bool":
            return self._either(node, text, [(f"{text} is not", "false" if text == "true" else "true")])
        return text

    def _render_inline_assembly(self, node: Node) -> str:
        return self._text(node)

    def _swapped(self, call: Node) -> str | None:
        """The call with the first two neighbours of one type in each other's place, where it has such."""
        if call.get("nodeType") != "FunctionCall" or call.get("names"):
            return None
        for one, other in zip(call["arguments"], call["arguments"][1:], strict=False):
            types = [each["typeDescriptions"]["typeString"] for each in (one, other)]
            plain = all(each["nodeType"] in ("Identifier", "MemberAccess", "FunctionCall") for each in (one, other))
            if plain and types[0] == types[1] and self._text(one) != self._text(other):
                start, end = self._span(call)
                (a, b), (c, d) = self._span(one), self._span(other)
                pieces = (
                    self._bytes[start:a],
                    self._bytes[c:d],
                    self._bytes[b:c],
                    self._bytes[a:b],
                    self._bytes[d:end],
                )
                return b"".join(pieces).decode()
        return None


def _children(node: Node) -> Iterator[Node]:
    """The nodes right below, without names of types."""
    for key, value in node.items():
        if key in ("typeName", "returnParameters", "parameters", "documentation", "overrides", "baseContracts"):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and "nodeType" in each and "src" in each:
                yield each


def _is_constant(node: Node) -> bool:
    """Whether the compiler works it out."""
    kind = str(node["typeDescriptions"].get("typeString", ""))
    return kind.startswith(("int_const", "rational_const", "literal_string", "type("))


def _sets_pointer(node: Node) -> bool:
    """Whether a name of something in storage begins here: the compiler demands it."""
    assigned = node.get("expression", {}).get("leftHandSide")
    return assigned is not None and "storage pointer" in assigned["typeDescriptions"]["typeString"]


def _impure(header: str) -> str:
    """What says where it was reads a balance."""
    return re.sub(r"\bpure\b", "view", header)
