"""The kinds of components, apart from their protocols: listing plugins needs no more than their names."""

from typing import Literal

Kind = Literal[
    "image_sources",
    "image_checks",
    "image_judges",
    "generators",
    "decomposers",
    "judges",
    "pair_selectors",
    "corruptions",
    "losses",
    "model_families",
    "trainers",
    "benchmarks",
    "engines",
    "exporters",
    "reporters",
]
"""Every kind of component; a hook ``pairsmith_<kind>`` collects each."""
