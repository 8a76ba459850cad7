"""Where annotated images lie, and what to say where they do not."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith.errors import StageError
from pairsmith.values import Image, Sample, user
from pairsmith_visual_genome.options import AnnotatedOptions

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"[\w-][\w.-]*")


class BadEntryError(Exception):
    """An entry cannot be used; the message says why, to follow its place."""


class Annotated:
    """What the sources share: finding images, and making samples of them."""

    published = ""
    """Where the data is published: files, address, size, licence, layout."""
    folders: Sequence[str] = ("",)
    """Folders inside the folder of images in which an image may lie."""

    def __init__(self, options: AnnotatedOptions) -> None:
        """Look whether everything is there."""
        self.options = options
        self.bad_rows = 0
        files = [path for path in (options.path, getattr(options, "image_data", None)) if path is not None]
        for path, kind in (*((path, "file") for path in files), (options.images, "folder")):
            if not (path.is_file() if kind == "file" else path.is_dir()):
                msg = f"[images] {str(path)!r} is no {kind}. {self.published}"
                raise StageError(msg)
        self._folders = [options.images / name for name in self.folders if (options.images / name).is_dir()]

    def sample(self, name: str, file: str, truth: Mapping[str, Any]) -> Sample:
        """Return the sample of an image; a file's name comes from the annotations, so it must be no more than a name."""
        if not _NAME.fullmatch(file):
            msg = f"has an image name that is no plain file name: {file!r:.80}"
            raise BadEntryError(msg)
        found = next((folder / file for folder in self._folders if (folder / file).is_file()), None)
        path = found or self.options.images / file
        if os.path.realpath(path) != os.path.join(path.parent.resolve(), path.name):  # noqa: PTH118
            msg = f"has an image that is a link: {str(path)!r}"
            raise BadEntryError(msg)
        return Sample(id=name, images=(Image(path=path),), prompt=user(self.options.prompt), truth=truth)

    def bad(self, message: str) -> None:
        """Stop at an entry, or leave it out."""
        if self.options.on_bad_row == "skip":
            self.bad_rows += 1
            _LOG.warning("left out: %s", message)
            return
        msg = f'{message}; mend the entry, or leave out what is broken with on_bad_row = "skip"'
        raise StageError(msg)
