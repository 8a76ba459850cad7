"""Published preference files in, and other tools' formats out."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl
from pairsmith_formats.options import LlavaPreferencesOptions


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer published preference files as sources."""
    yield Component(
        name="llava-preferences",
        factory="pairsmith_formats.llava_source:LlavaPreferences",
        options=LlavaPreferencesOptions,
        inputs="pairsmith_formats.options:llava_inputs",
        summary="Chosen and rejected conversations about images, as PDS-DPO and others in LLaVA's manner publish them.",
    )


@hookimpl
def pairsmith_exporters() -> Iterator[Component]:
    """Offer the formats of other tools."""
    yield Component(
        name="llava-preferences",
        factory="pairsmith_formats.llava_export:LlavaExport",
        summary="A JSON array of chosen and rejected conversations, with the images beside it.",
    )
