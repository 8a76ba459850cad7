"""AMBER's files: Wang et al., AMBER: An LLM-free Multi-dimensional Benchmark, arXiv 2311.07397.

The folder is a copy of github.com/junyangwang0410/AMBER, or holds the files of its folder ``data`` themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith_benchmarks.folder import Folder, inside, read_json, text_of
from pairsmith_benchmarks.items import Item
from pairsmith_benchmarks.publications import where_to_get

KINDS = {
    "discriminative-hallucination": "existence",
    "discriminative-attribute-state": "state",
    "discriminative-attribute-number": "number",
    "discriminative-attribute-action": "action",
    "discriminative-relation": "relation",
    "relation": "relation",
}
"""What the annotations call the questions, and what the paper calls them."""


@frozen(kw_only=True)
class Associations:
    """Words that stand for each other, and words that are never held against an answer."""

    words: Mapping[str, Sequence[str]]
    safe: frozenset[str]

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word that is looked at in an answer."""
        return frozenset(self.words) | {other for others in self.words.values() for other in others}


def folder_of(path: Path, name: str) -> Folder:
    """Return the folder of a benchmark's files."""
    return Folder(benchmark=name, path=path, source=where_to_get(name))


def associations(folder: Folder) -> Associations:
    """Read ``relation.json`` and ``safe_words.txt``."""
    path = _find(folder, "relation.json")
    words = read_json(path, dict)
    for word, others in words.items():
        if not isinstance(others, list) or not all(isinstance(one, str) for one in others):
            msg = f"{str(path)!r}: {word!r} must have an array of words: {others!r:.80}"
            raise StageError(msg)
    safe = _find(folder, "safe_words.txt").read_text(encoding="utf-8").splitlines()
    return Associations(words=words, safe=frozenset(filter(None, safe)))


def items(folder: Folder, query: str) -> Iterator[Item]:
    """Yield the questions of ``query_<query>.json`` with their annotations.

    Raises :class:`StageError` where a question has no annotation: the file is not whole.
    """
    path = _find(folder, f"query_{query}.json")
    truths = _annotations(_find(folder, "annotations.json"))
    questions = read_json(path, list)
    without = [row.get("id") for row in questions if isinstance(row, dict) and row.get("id") not in truths]
    if without:
        folder.refuse(
            f"has annotations of {len(questions) - len(without):,} of {len(questions):,} questions; none of {without[0]!r}"
        )
    for number, row in enumerate(questions, start=1):
        place = f"{str(path)!r}, row {number}"
        if not isinstance(row, dict):
            msg = f"{place} is not an object: {row!r:.80}"
            raise StageError(msg)
        yield Item(
            id=str(row["id"]),
            image=inside(text_of(row, "image", place), place),
            prompt=text_of(row, "query", place),
            truth=truths[row["id"]],
        )


def _annotations(path: Path) -> dict[int, Mapping[str, Any]]:
    truths: dict[int, Mapping[str, Any]] = {}
    for number, row in enumerate(read_json(path, list), start=1):
        made = _truth(row) if isinstance(row, dict) else None
        if made is None or not isinstance(row.get("id"), int):
            msg = f"{str(path)!r}, row {number} is no annotation of AMBER: {row!r:.120}; download the file again"
            raise StageError(msg)
        if row["id"] in truths:
            msg = f"{str(path)!r}, row {number} annotates question {row['id']} again; download the file again"
            raise StageError(msg)
        truths[row["id"]] = made
    return truths


def _truth(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    kind, truth = row.get("type"), row.get("truth")
    if kind == "generative":
        made_up = row.get("hallu")
        return {"truth": truth, "hallu": made_up} if _words(truth) and _words(made_up) else None
    if kind in KINDS and truth in {"yes", "no"}:
        return {"kind": KINDS[kind], "label": truth}
    return None


def _words(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _find(folder: Folder, name: str) -> Path:
    return folder.find(name, f"data/{name}", f"data/query/{name}", f"query/{name}")
