"""``pairsmith status``: how far a run is, what it left out and why, and where it would go on."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("status", help="show how far a run is")
    parser.add_argument("run", type=Path, help="the directory that 'pairsmith run' printed")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line per stage."""
    from pairsmith.view import DirectoryView

    view = DirectoryView(arguments.run)
    document = view.document
    print(f"{document['name']}: {document.get('summary', '')}")
    print(f"started {document['created']}, seed {document['seed']}" + _limit(document))
    for name, state in view.stages().items():
        print(f"{name:<32}{_state(state):<12}{state['items'] or '':>9}  {_counts(state['counts'])}".rstrip())
        if state["facts"]:
            print(f"{'':<32}{', '.join(f'{name} {value}' for name, value in state['facts'].items())}")
    return 0


def _limit(document: Mapping[str, Any]) -> str:
    return "" if document["limit"] is None else f", the first {document['limit']} samples only"


def _state(state: Mapping[str, Any]) -> str:
    if state["done"]:
        return f"{state['seconds']:.1f} s"
    return f"{state['parts']} parts" if state["key"] else "waiting"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {label}" for label, number in counts.items())
