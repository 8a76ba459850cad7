"""Options of the formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import in_


@frozen(kw_only=True)
class LlavaPreferencesOptions:
    """Options of the source ``llava-preferences``."""

    path: Path = field(metadata={"help": "the .json or .jsonl file, or a folder with one beside its images"})
    images: Path | None = field(
        default=None, metadata={"help": "the folder that image paths start from; the file's own where left out"}
    )
    on_bad_row: Literal["stop", "skip"] = field(
        default="stop",
        validator=in_(("stop", "skip")),
        metadata={"help": "stop at a row that cannot be used, or leave it out and log why"},
    )
    follow_links: bool = field(
        default=False, metadata={"help": "allow images that are links out of the folder, as download caches make them"}
    )


def llava_inputs(options: LlavaPreferencesOptions) -> Sequence[Path]:
    """Return the file or folder, and the folder of images."""
    return (options.path, *([options.images] if options.images else []))
