"""The check every image passes before it enters a run."""

from pathlib import Path

from attrs import frozen

from pairsmith.interfaces import CheckedImage, Run
from pairsmith_images.options import PillowOptions
from pairsmith_images.pixels import UnusableImageError, decode, is_plain, opened, png, to_rgb


@frozen
class PillowCheck:
    """Looks at an image's size before it decodes it, decodes it whole, and makes it upright 8-bit RGB."""

    options: PillowOptions
    run: Run

    def check(self, path: Path) -> CheckedImage | str:
        """Return the image as it is or as a PNG, or the reason why it cannot be used."""
        try:
            with opened(path, self.options.max_pixels) as image:
                decode(image)
                return CheckedImage() if is_plain(image) else CheckedImage(data=png(to_rgb(image)), suffix=".png")
        except UnusableImageError as reason:
            return str(reason)
