"""pairsmith: preference data for vision-language models, and training on it.

The two names a plugin needs are here; the values and protocols are in :mod:`pairsmith.values` and
:mod:`pairsmith.interfaces`.
"""

import pluggy

from pairsmith.component import Component

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("pairsmith")

__all__ = ["Component", "__version__", "hookimpl"]
