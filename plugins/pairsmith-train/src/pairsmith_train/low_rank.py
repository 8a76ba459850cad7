"""A linear module and its adapter in one step: ``y = x W' + s (x A') B'``, with nothing of y's size in between.

peft computes the adapter's part, multiplies it by ``s`` and adds it: three tensors of the result's size, and as many again
in the backward pass. Of a model of a few thousand features and an adapter of rank 16, that takes half as long as the linear
modules themselves. Here the product with ``B`` is added to the result while it is computed, and so are the gradients of x.

What is computed is peft's formula. Where a module is more than that (DoRA, dropout, rounded weights, mixed types under
autocast, weights or modules that an engine watches), peft computes it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


def join(model: nn.Module) -> nn.Module:
    """Let the modules of a model that have an adapter of peft's be computed in one step, wherever that is the same."""
    from peft.tuners.lora.layer import Linear

    for module in model.modules():
        if type(module) is Linear:
            module.forward = partial(_forward, module, module.forward)
    return model


def _forward(module: Any, otherwise: Callable[..., Tensor], x: Tensor, *more: Any, **named: Any) -> Tensor:  # noqa: ANN401
    name = None if more or named else _only_adapter(module, x)
    if name is None:
        return otherwise(x, *more, **named)
    found: Tensor = _InOneStep.apply(  # type: ignore[no-untyped-call]
        x,
        module.base_layer.weight,
        module.base_layer.bias,
        module.lora_A[name].weight,
        module.lora_B[name].weight,
        float(module.scaling[name]),
    )
    return found


def _only_adapter(module: Any, x: Tensor) -> str | None:  # noqa: ANN401 - peft's module
    """Return the name of the adapter that is to be added here, where it is one, and plain."""
    if module.disable_adapters or module.merged or len(module.active_adapters) != 1:
        return None
    (name,) = module.active_adapters
    if name not in module.lora_A or name in module.lora_variant or torch.is_autocast_enabled(x.device.type):
        return None
    base, down, up = linears = module.base_layer, module.lora_A[name], module.lora_B[name]
    if any(type(one) is not nn.Linear or _watched(one) or type(one.weight) is not nn.Parameter for one in linears):
        return None
    if (
        down.bias is not None
        or up.bias is not None
        or _trained(base)
        or any(one.weight.dtype != x.dtype for one in linears)
    ):
        return None
    return name if isinstance(module.lora_dropout[name], nn.Identity) or not module.training else None


def _watched(module: nn.Module) -> bool:
    """Tell whether something is to happen when a module is called, as under ZeRO-3, where its weights are fetched then."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)  # noqa: SLF001
    return any(hooks) or hasattr(module.weight, "ds_id")


def _trained(module: nn.Module) -> bool:
    return any(value.requires_grad for value in module.parameters())


class _InOneStep(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        scale: float,
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        out, low = linear(rows, weight, bias), linear(rows, down)
        out.addmm_(low, up.T, alpha=scale)
        ctx.save_for_backward(x, weight, down, up, low)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x, weight, down, up, low = ctx.saved_tensors
        by_out = gradients[0].reshape(-1, len(weight))
        by_low = (by_out @ up).mul_(ctx.scale)
        by_up = (by_out.T @ low).mul_(ctx.scale)
        by_down = by_low.T @ x.reshape(-1, x.shape[-1])
        by_x = (by_out @ weight).addmm_(by_low, down).view_as(x) if ctx.needs_input_grad[0] else None
        return by_x, None, None, by_down, by_up, None
