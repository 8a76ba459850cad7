"""What the plugin offers, and that looking at the offer is light."""

import subprocess
import sys

import pytest

import pairsmith_report
from pairsmith.component import resolve
from pairsmith_report.options import HtmlOptions


def test_it_offers_two_reporters() -> None:
    offered = {component.name: component for component in pairsmith_report.pairsmith_reporters()}
    assert sorted(offered) == ["html", "markdown"]
    for component in offered.values():
        made = resolve(component.factory)(component.options_class(), None)
        assert callable(made.report)


@pytest.mark.parametrize("pairs", [-1, 201])
def test_the_number_of_pairs_is_bounded(pairs: int) -> None:
    with pytest.raises(ValueError, match="'pairs' must be"):
        HtmlOptions(pairs=pairs)


def test_importing_it_imports_no_plotting_or_image_library() -> None:
    code = "import sys, pairsmith_report; print([m for m in ('matplotlib','PIL','jinja2','numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
