"""The images of rows: files that must lie in their folder, archives, and bytes inside of a table."""

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith_formats.archive import is_archive, unpacked
from pairsmith_formats.hub import bounds, local
from pairsmith_formats.options import RowsOptions
from pairsmith_formats.paths import leaves
from pairsmith_formats.publications import where_to_get
from pairsmith_formats.reading import BadRowError, Row

_KINDS = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"), (b"GIF8", ".gif"), (b"RIFF", ".webp"), (b"BM", ".bmp"))


class Pictures:
    """Finds the images that rows name."""

    def __init__(self, options: RowsOptions, beside: Path, run: Run, form: str) -> None:
        """Find the folder; ``beside`` is the folder of the file of rows, ``form`` the format's name for a message."""
        self._run, self._follow_links = run, options.follow_links
        self._folder = local(options.images) if options.images else beside
        if is_archive(self._folder):
            self._folder = unpacked(self._folder, run.directory)
        if not self._folder.is_dir():
            msg = (
                f"[images] images = {str(self._folder)!r} is neither a folder nor a tar or zip file{where_to_get(form)}"
            )
            raise StageError(msg)
        inside = bounds(options.images or options.path, self._folder)
        self._inside = os.path.join(inside, "")  # noqa: PTH118 - ends in a separator

    def confined(self, name: str) -> Path:
        """Return the file of a row's image, which must lie in the folder whatever the row says."""
        if leaves(name):
            msg = f"has an image path that leaves the folder {str(self._folder)!r}: {name!r:.200}"
            raise BadRowError(msg)
        path = self._folder / name
        # os.path.realpath and not Path.resolve: this is asked of every row of a million.
        if not self._follow_links and not os.path.realpath(path).startswith(self._inside):
            msg = (
                f"has an image that is a link out of the folder {str(self._folder)!r}: {name!r:.200}; "
                f"if you trust the folder set follow_links = true"
            )
            raise BadRowError(msg)
        return path

    def take(self, row: Row, columns: Sequence[str]) -> tuple[Row, Mapping[str, Path]]:
        """Return a row without the bytes of its images, and where they have been put, by the path the row now says."""
        kept: dict[str, Path] = {}
        changed = {column: self._taken(row[column], kept) for column in columns if _holds_bytes(row.get(column))}
        return ({**row, **changed} if changed else row), kept

    def _taken(self, value: Any, kept: dict[str, Path]) -> Any:  # noqa: ANN401 - an image, or several
        if isinstance(value, list):
            return [self._taken(one, kept) for one in value]
        if not isinstance(value, dict) or not isinstance(value.get("bytes"), bytes):
            return value
        data, path = value["bytes"], value.get("path")
        suffix = next((suffix for start, suffix in _KINDS if data.startswith(start)), ".img")
        if not isinstance(path, str) or not path or leaves(path):
            path = f"{sha256(data).hexdigest()}{suffix}"
        # Without the id, for the image has yet to be checked.
        kept[path] = self._run.images.add_bytes(data, suffix).path
        return {"path": path}


def _holds_bytes(value: Any) -> bool:  # noqa: ANN401
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, dict) and isinstance(one.get("bytes"), bytes) for one in values)
