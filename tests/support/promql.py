"""What expressions of PromQL ask for."""

from typing import Any

import promql_parser

from harness.metrics.families import FAMILIES, RECORDED, RESPONSE

EXPOSED = frozenset(
    {family.sample_name for family in FAMILIES}
    | {f"{RESPONSE}_{suffix}" for suffix in ("bucket", "sum", "count")}
    | set(RECORDED)
)
"""Names of all samples that vtax exposes or exports."""


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Parse an expression and return what it selects; ValueError if it does not parse."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            visit(node.vector_selector)
        elif isinstance(node, promql_parser.Call):
            for argument in node.args:
                visit(argument)
        elif isinstance(node, promql_parser.BinaryExpr):
            visit(node.lhs)
            visit(node.rhs)
        elif not isinstance(node, (promql_parser.NumberLiteral, promql_parser.StringLiteral)):
            visit(node.expr)

    visit(promql_parser.parse(expression))
    return found


def metrics(expression: str) -> set[str]:
    """Return the names of the metrics that an expression selects."""
    return {selector.name for selector in selectors(expression)}
