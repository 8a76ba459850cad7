"""``pairsmith plugins``: what is installed, from whom, and with which options."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pairsmith.registry import Registry


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("plugins", help="list components, or show the options of one")
    parser.add_argument("name", nargs="?", help="a component's name, or plugin/name, to show its options")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line per component, or a line per option of one."""
    from pairsmith.registry import KINDS, Registry

    registry = Registry.discover()
    if arguments.name:
        return _show(registry, arguments.name)
    for kind in KINDS:
        for offer in registry.offers(kind):
            print(f"{kind:<16} {offer.full_name:<42} {offer.component.summary}")
    registry.recipes(), registry.models()  # their hooks may fail too
    print_failures(registry)
    return 0


def print_failures(registry: "Registry") -> None:
    """Print a line per plugin that could not be loaded."""
    for plugin, why in registry.failures.items():
        print(f"{'FAILED':<16} {plugin} {registry.versions.get(plugin, '')}: {why}")


def _show(registry: "Registry", name: str) -> int:
    from pairsmith.errors import ComponentNotFoundError
    from pairsmith.options import describe
    from pairsmith.registry import KINDS

    offers = [(kind, offer) for kind in KINDS for offer in registry.offers(kind)]
    found = [(kind, offer) for kind, offer in offers if name in {offer.component.name, offer.full_name, offer.plugin}]
    if not found:
        from difflib import get_close_matches

        close = get_close_matches(name, sorted({offer.component.name for _, offer in offers}), n=1)
        left_out = [f"  {line}" for line in registry.left_out()]
        hint = f"; did you mean {close[0]!r}?" if close else "; 'pairsmith plugins' lists what there is"
        raise ComponentNotFoundError("\n".join([f"no component {name!r}{hint}", *left_out]))
    for kind, offer in found:
        print(f"{offer.full_name} {offer.version} ({kind})\n  {offer.component.summary}")
        for option in describe(offer.component.options_class):
            print(f"  {option.name:<24} {option.kind:<24} {option.default:<16} {option.help}".rstrip())
    return 0
