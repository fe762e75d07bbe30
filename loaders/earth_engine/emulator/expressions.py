"""Expressions: graphs of constants, references and calls, as the client writes them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from loaders.earth_engine.emulator.answers import invalid, not_emulated

Arguments = Mapping[str, Any]
Function = Callable[[Arguments], Any]
Node = Mapping[str, Any]

MAX_DEPTH = 100


def evaluate(expression: Mapping[str, Any], functions: Mapping[str, Function]) -> Any:
    """Return what an expression comes to.

    Args:
        expression: ``{"result": name, "values": {name: node}}``.
        functions: What may be called, by name.

    Raises:
        ApiError: It is no expression, or calls what is not known.
    """
    try:
        graph = _Graph(expression["values"], functions)
        return graph.named(expression["result"], {})
    except (KeyError, TypeError, ValueError) as error:
        raise invalid(f"Invalid expression: {error!r}") from error
    except RecursionError as error:
        raise invalid(f"Expression is nested deeper than {MAX_DEPTH} levels") from error


class _Graph:
    """The named nodes of an expression; each is computed once."""

    def __init__(self, nodes: Mapping[str, Node], functions: Mapping[str, Function]):
        self._nodes = nodes
        self._functions = functions
        self._known: dict[str, Any] = {}
        self._depth = 0

    def named(self, name: str, scope: Arguments) -> Any:
        if name in self._known:
            return self._known[name]
        value = self.value(self._nodes[name], scope)
        if not scope:  # within a function it depends on the arguments
            self._known[name] = value
        return value

    def value(self, node: Node, scope: Arguments) -> Any:
        ((kind, said),) = node.items()
        if kind not in _KINDS:
            raise not_emulated(f"the expression node {kind}")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError
        try:
            return _KINDS[kind](self, said, scope)
        finally:
            self._depth -= 1

    def call(self, said: Mapping[str, Any], scope: Arguments) -> Any:
        given = said.get("arguments", {})
        arguments = {name: self.value(node, scope) for name, node in given.items()}
        if "functionReference" in said:
            function = self.named(said["functionReference"], scope)
            return function(arguments)
        name = said["functionName"]
        if name not in self._functions:
            raise not_emulated(f"the function {name}")
        try:
            return self._functions[name](arguments)
        except KeyError as error:
            raise invalid(f"{name}: Parameter {error} is required.") from error

    def define(self, said: Mapping[str, Any], scope: Arguments) -> Function:
        names = said["argumentNames"]

        def function(arguments: Arguments) -> Any:
            # Mapped functions are called with their only argument, whatever its name.
            bound = dict(zip(names, arguments.values(), strict=True))
            return self.named(said["body"], {**scope, **bound})

        return function


_KINDS: dict[str, Callable[[_Graph, Any, Arguments], Any]] = {
    "constantValue": lambda _graph, said, _scope: said,
    "integerValue": lambda _graph, said, _scope: int(said),
    "bytesValue": lambda _graph, said, _scope: base64.b64decode(said),
    "arrayValue": lambda graph, said, scope: [
        graph.value(node, scope) for node in said.get("values", [])
    ],
    "dictionaryValue": lambda graph, said, scope: {
        key: graph.value(node, scope) for key, node in said.get("values", {}).items()
    },
    "argumentReference": lambda _graph, said, scope: scope[said],
    "valueReference": lambda graph, said, scope: graph.named(said, scope),
    "functionInvocationValue": _Graph.call,
    "functionDefinitionValue": _Graph.define,
}
