"""Forward diffusion noise, as MCM-DPO (arXiv 2510.00647) and CHiP corrupt images."""

from functools import cache, partial
from math import sqrt

import numpy as np
from PIL import Image as Pillow

from pairsmith.interfaces import Run
from pairsmith_images.options import DiffusionNoiseOptions
from pairsmith_images.worse import Made, WorseImages

_STEPS = 1000
_MEAN = np.array((0.48145466, 0.4578275, 0.40821073))
_STD = np.array((0.26862954, 0.26130258, 0.27577711))


@cache
def gains(step: int) -> tuple[float, float]:
    """Return the gain of the signal and the standard deviation of the noise after steps ``0..step``.

    ``x_t = sqrt(a_t) x + sqrt(1 - a_t) e`` with ``a_t`` the product of ``1 - b_s``, and 1000 betas from 1e-5 to 5e-3
    along a sigmoid over [-6, 6].

    >>> [round(gain, 3) for gain in gains(700)]
    [0.593, 0.805]
    """
    betas = 1e-5 + (5e-3 - 1e-5) / (1 + np.exp(-np.linspace(-6, 6, _STEPS)))
    kept = float(np.prod(1 - betas[: step + 1]))
    return sqrt(kept), sqrt(1 - kept)


def diffusion_noise(options: DiffusionNoiseOptions, run: Run) -> WorseImages:
    """Make the corruption ``diffusion-noise``."""
    return WorseImages(partial(noised, options), run)


def noised(options: DiffusionNoiseOptions, picture: Pillow.Image, seed: int) -> Made:
    """Return the picture after forward diffusion of its pixels, normalised as CLIP's are, clipped to 8 bits.

    A larger picture is shrunk to ``options.size`` first, or its noise would be averaged away on the way to the model.
    """
    signal, noise = gains(options.step)
    seen = np.asarray(_shrunk(picture, options.size), dtype=np.float64) / 255
    drawn = np.random.default_rng(seed).standard_normal(seen.shape)
    diffused = (signal * (seen - _MEAN) / _STD + noise * drawn) * _STD + _MEAN
    pixels = (diffused.clip(0, 1) * 255).round().astype(np.uint8)
    return Pillow.fromarray(pixels, "RGB"), {"step": options.step, "seed": seed, "size": list(pixels.shape[1::-1])}


def _shrunk(picture: Pillow.Image, side: int) -> Pillow.Image:
    ratio = side / min(picture.size)
    if ratio >= 1:
        return picture
    width, height = (max(1, round(length * ratio)) for length in picture.size)
    return picture.resize((width, height), Pillow.Resampling.BICUBIC)
