"""The packaged recipes: data only."""

from collections.abc import Iterable

from pairsmith import hookimpl
from pairsmith.hookspecs import RecipeDirectory


@hookimpl
def pairsmith_recipe_dirs() -> Iterable[RecipeDirectory]:
    """Offer this directory."""
    yield RecipeDirectory(package="pairsmith_recipes")
