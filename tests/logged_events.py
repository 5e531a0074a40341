"""Every event that the API, the workers and the drivers log, as their code says."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEVELS = {"log": "info", "debug": "info", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
# Said of an exception, not fields of their own.
HOW = {"exc_info"}
# Named by the status that a job enters (`ENTERED` of worker/advance.py).
BY_STATUS = ("job_running", "job_succeeded", "job_failed")


def logged() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Each event that is logged: its name, its level, its own fields."""
    for room in ("api", "worker", "shared", "spark_jobs"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from events_of(node)


def events_of(node: ast.AST) -> Iterator[tuple[str, str, frozenset[str]]]:
    """The events of a call of a logger, or of `say` in spark_jobs/attempt_log.py, if it is one."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "say":
        level, event = (ast.unparse(each) for each in node.args[:2])
        yield ast.literal_eval(event), level.lower(), frozenset(word.arg for word in node.keywords if word.arg)
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
        return
    logger = ast.unparse(node.func.value)
    if logger not in ("log", "structlog.get_logger()") or not node.args:
        return
    name = node.args[-1]  # after the level, where one is given
    names = (name.value,) if isinstance(name, ast.Constant) else BY_STATUS
    for each in names:
        yield each, LEVELS[node.func.attr], frozenset(word.arg for word in node.keywords if word.arg) - HOW
