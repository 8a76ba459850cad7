"""From a margin, the difference ``m = r_w - r_l`` of two rewards, to a loss: what the variants of DPO differ in."""

from collections.abc import Callable
from functools import partial
from math import log

from torch import Tensor
from torch.nn.functional import logsigmoid

from pairsmith_losses.options import DpoOptions

Link = Callable[[Tensor], Tensor]


def sigmoid(margin: Tensor, smoothing: float = 0.0) -> Tensor:
    """DPO, and cDPO for labels wrong with probability ``e``: ``-(1 - e) log s(m) - e log s(-m)`` with the sigmoid ``s``.

    Rafailov et al., arXiv 2305.18290, equation 7, and Mitchell, "A note on DPO with noisy preferences & relationship to
    IPO", 2023. ln 2 at 0.
    """
    return -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)


def robust(margin: Tensor, smoothing: float) -> Tensor:
    """Return ``(-(1 - e) log sigmoid(m) + e log sigmoid(-m)) / (1 - 2e)``: unbiased for labels wrong with probability ``e``.

    Robust DPO (Chowdhury et al., arXiv 2403.00409). ln 2 at 0.
    """
    return (-(1 - smoothing) * logsigmoid(margin) + smoothing * logsigmoid(-margin)) / (1 - 2 * smoothing)


def hinge(margin: Tensor) -> Tensor:
    """Return ``max(0, 1 - m)`` (RSO, Liu et al., arXiv 2309.06657, the hinge loss on normalised likelihood). 1 at 0."""
    return (1 - margin).clamp(min=0)


def ipo(margin: Tensor, beta: float) -> Tensor:
    """Return ``(m / beta - 1 / (2 beta))^2`` (IPO, Azar et al., arXiv 2310.12036, equation 17). ``1 / (4 beta^2)`` at 0."""
    return ((margin - 0.5) / beta) ** 2


def exo(margin: Tensor, smoothing: float) -> Tensor:
    """Return the divergence of ``(sigmoid(m), sigmoid(-m))`` from the labels' ``(1 - e, e)``.

    EXO-pref (Ji et al., arXiv 2402.00856, equation 16). ``-ln 2 - ln(e (1 - e)) / 2`` at 0.
    """
    for_chosen = margin.sigmoid() * (logsigmoid(margin) - log(1 - smoothing))
    return for_chosen + (-margin).sigmoid() * (logsigmoid(-margin) - log(smoothing))


def discopop(margin: Tensor, tau: float = 0.05) -> Tensor:
    """Return ``-(1 - s) log sigmoid(m) + s exp(-m)`` with ``s = sigmoid(m / tau)``.

    DiscoPOP (Lu et al., arXiv 2406.08414, equation 5). ``(1 + ln 2) / 2`` at 0.
    """
    mixed = (margin / tau).sigmoid()
    return -(1 - mixed) * logsigmoid(margin) + mixed * (-margin).exp()


def link(options: DpoOptions) -> Link:
    """Return the function that a recipe names."""
    links: dict[str, Link] = {
        "sigmoid": partial(sigmoid, smoothing=options.smoothing),
        "robust": partial(robust, smoothing=options.smoothing),
        "hinge": hinge,
        "ipo": partial(ipo, beta=options.beta),
        "exo": partial(exo, smoothing=options.smoothing),
        "discopop": discopop,
    }
    return links[options.link]
