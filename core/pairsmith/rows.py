"""Between values and the JSON rows they are stored as.

Defaults are left out, so a row holds what is particular to it. An image is stored by its path inside the run, which is
made absolute again, and kept inside the run, on the way back.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_origin

import cattrs
from attrs import field, frozen

from pairsmith.errors import StageError
from pairsmith.values import Demonstration, Image, Pair

T = TypeVar("T")


def _is_mapping(kind: Any) -> bool:  # noqa: ANN401 - a type, or a generic alias
    return get_origin(kind) is Mapping


def _is_scores(kind: Any) -> bool:  # noqa: ANN401
    return bool(kind == (tuple[float, float] | None))


@frozen
class RowCodec:
    """Turns values into rows and back for the run in ``root``."""

    root: Path
    _converter: cattrs.Converter = field(init=False, repr=False)

    @_converter.default
    def _make_converter(self) -> cattrs.Converter:
        converter = cattrs.Converter(omit_if_default=True, detailed_validation=False)
        converter.register_structure_hook_func(_is_mapping, lambda row, _: row)
        converter.register_unstructure_hook_func(_is_mapping, dict)
        converter.register_structure_hook_func(_is_scores, lambda row, _: None if row is None else tuple(row))
        converter.register_structure_hook_func(
            lambda kind: kind == Pair | Demonstration,
            lambda row, _: converter.structure(row, Pair if "rejected" in row else Demonstration),
        )
        converter.register_structure_hook(Image, lambda row, _: self._image(row))
        converter.register_unstructure_hook(Image, self._image_row)
        return converter

    def row(self, value: Any) -> Any:  # noqa: ANN401 - any of the values
        """Return a value as JSON."""
        return self._converter.unstructure(value)

    def value(self, row: Any, kind: type[T]) -> T:  # noqa: ANN401
        """Return the value of a row."""
        return self._converter.structure(row, kind)

    def _image_row(self, image: Image) -> dict[str, str]:
        path = image.path.relative_to(self.root) if image.path.is_relative_to(self.root) else image.path
        return {"path": path.as_posix(), "id": image.id}

    def _image(self, row: Mapping[str, str]) -> Image:
        relative = Path(row["path"])
        if relative.is_absolute() or ".." in relative.parts:
            msg = f"image path {row['path']!r} leaves the run directory {str(self.root)!r}; the run was edited by hand"
            raise StageError(msg)
        return Image(path=self.root / relative, id=row["id"])
