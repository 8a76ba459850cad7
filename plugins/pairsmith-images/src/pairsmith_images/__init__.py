"""What needs Pillow: a folder of images as source, the check of images, and worse images."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer a folder of images."""
    yield Component(
        name="folder",
        factory="pairsmith_images.folder:Folder",
        options="pairsmith_images.options:FolderOptions",
        inputs="pairsmith_images.options:folder_inputs",
        summary="The images of a folder, each with one prompt or several.",
    )


@hookimpl
def pairsmith_image_checks() -> Iterator[Component]:
    """Offer the check of images."""
    yield Component(
        name="pillow",
        factory="pairsmith_images.check:PillowCheck",
        options="pairsmith_images.options:PillowOptions",
        summary="Bounds an image's size before decoding it, refuses broken ones, makes all upright 8-bit RGB.",
    )


@hookimpl
def pairsmith_corruptions() -> Iterator[Component]:
    """Offer worse images."""
    yield Component(
        name="crop",
        factory="pairsmith_images.corruptions:crop",
        options="pairsmith_images.options:CropOptions",
        summary="A random small window of the image (mDPO).",
    )
    yield Component(
        name="black",
        factory="pairsmith_images.corruptions:black",
        summary="A black image of the same size.",
    )
    yield Component(
        name="mean",
        factory="pairsmith_images.corruptions:mean",
        options="pairsmith_images.options:MeanOptions",
        summary="One colour: CLIP's mean or the image's own.",
    )
    yield Component(
        name="rotate",
        factory="pairsmith_images.corruptions:rotate",
        options="pairsmith_images.options:RotateOptions",
        summary="The image turned by a random angle, with black corners (MCM-DPO).",
    )
    yield Component(
        name="mask-patches",
        factory="pairsmith_images.corruptions:mask_patches",
        options="pairsmith_images.options:MaskPatchesOptions",
        summary="The image with a share of its patches blanked out.",
    )
    yield Component(
        name="diffusion-noise",
        factory="pairsmith_images.noise:diffusion_noise",
        options="pairsmith_images.options:DiffusionNoiseOptions",
        summary="The image after some steps of forward diffusion (MCM-DPO, CHiP).",
    )
