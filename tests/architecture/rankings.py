"""No ranking of people or units exists anywhere: no route, no parameter, no field, no query, no page makes one.

What is looked for: names that speak of ranks in the code and the published API, window functions that rank,
and queries that group by a unit or a person and order by what they counted. Lists of assets in the order of
their due date are no ranking; counts per unit in the order of names are none either.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp

from tests.architecture.tree import ROOT, below

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NAMES = {
    "rank",
    "ranks",
    "ranked",
    "ranking",
    "rankings",
    "leaderboard",
    "leaderboards",
    "league",
    "scoreboard",
    "top",
}
_CHINESE = re.compile("排名|排行|榜单|光荣榜|红黑榜")
_WHO = re.compile(r"unit|sponsor|person|people|operator|approver|principal|contact|user|region|level", re.IGNORECASE)
_RANKERS = (exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)


def check(root: Path = ROOT) -> list[str]:
    """Every ranking of people or units, as `path:line: what`."""
    problems = []
    for path in below(root, "services", suffix=".py"):
        problems += [f"{path.relative_to(root)}:{line}: {what}" for line, what in code(path.read_text())]
    for path in below(root, "services", suffix=".sql"):
        problems += [f"{path.relative_to(root)}: {what}" for what in queries(path.read_text())]
    for suffix in (".html", ".jinja", ".j2"):
        for path in below(root, "services", suffix=suffix):
            problems += [f"{path.relative_to(root)}: {what}" for what in page(path.read_text())]
    for path in below(root, "tests", suffix=".json"):
        if "openapi" in path.name.lower() or "openapi" in path.parent.name.lower():
            document = json.loads(path.read_text())
            problems += [f"{path.relative_to(root)}: {what}" for what in published(document)]
    return problems


def speaks_of_ranks(name: str) -> bool:
    """Whether an identifier, path or title in either language names a ranking."""
    return bool(_CHINESE.search(name)) or any(part.lower() in _NAMES for part in _PART.findall(name))


def code(text: str) -> list[tuple[int, str]]:
    """Names and texts of one module; docstrings may say that there is no ranking."""
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.arg():
                names = [node.arg]
            case ast.Name():
                names = [node.id]
            case ast.keyword(arg=str(word)):
                names = [word]
            case ast.Constant(value=str(word)) if id(node) not in prose and (
                word.startswith("/") or word.isidentifier() or _CHINESE.search(word)
            ):
                names = [word]
        found += [(getattr(node, "lineno", 0), f"{name!r} names a ranking") for name in names if speaks_of_ranks(name)]
    return found


def queries(text: str) -> list[str]:
    """Statements of one .sql file that rank, or order units or people by what they counted of them."""
    found = []
    for statement in re.split(r"^(?=--\s*name:)", text, flags=re.MULTILINE):
        title = re.match(r"--\s*name:\s*([\w-]+)", statement)
        named = title.group(1) if title else "migration"
        if speaks_of_ranks(named):
            found.append(f"{named}: names a ranking")
        if not re.search(r"\b(?:group\s+by|rank|ntile|cume_dist)\b", statement, re.IGNORECASE):
            continue
        for tree in sqlglot.parse(statement, read="postgres"):
            if tree is not None:
                found += [f"{named}: {what}" for what in _rankings(tree)]
    return found


def page(text: str) -> list[str]:
    """Chinese words of ranking on a page, and identifiers of rankings in its expressions."""
    found = [f"the page says {hit.group()!r}" for hit in _CHINESE.finditer(text)]
    for expression in re.findall(r"\{[{%](.*?)[%}]\}", text, flags=re.DOTALL):
        found += [f"{name!r} names a ranking" for name in re.findall(r"\w+", expression) if speaks_of_ranks(name)]
    return found


def published(document: object) -> Iterator[str]:
    """Every path, parameter and field of an OpenAPI document that names a ranking."""
    if isinstance(document, dict):
        for key, value in document.items():
            if speaks_of_ranks(str(key)):
                yield f"{key!r} names a ranking"
            if key == "name" and isinstance(value, str) and speaks_of_ranks(value):
                yield f"parameter {value!r} names a ranking"
            yield from published(value)
    elif isinstance(document, list):
        for value in document:
            yield from published(value)


def _rankings(tree: exp.Expression) -> Iterator[str]:
    for node in tree.find_all(exp.Anonymous, *_RANKERS):
        name = node.name if isinstance(node, exp.Anonymous) else node.key
        if isinstance(node, _RANKERS) or name.lower() in ("rank", "dense_rank", "percent_rank", "cume_dist", "ntile"):
            yield f"the window function {name.lower()} ranks"
    for select in tree.find_all(exp.Select):
        group, order = select.args.get("group"), select.args.get("order")
        if group is None or order is None or not _WHO.search(group.sql()):
            continue
        counted = {item.alias for item in select.expressions if item.alias and item.find(exp.AggFunc)}
        positions = {str(n) for n, item in enumerate(select.expressions, start=1) if item.find(exp.AggFunc)}
        for term in order.expressions:
            key = term.this
            if key.find(exp.AggFunc) or key.name in counted or (isinstance(key, exp.Literal) and key.name in positions):
                yield f"orders {group.sql()} by {key.sql()}"
