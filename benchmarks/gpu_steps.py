"""An epoch and a validation of many networks at once, compiled by JAX."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.gpu_batches import Batches
from benchmarks.gpu_networks import Network
from pba.nets.training_recipe import TrainingRecipe
from pba.nets.training_steps import adam
from pba.telemetry.datasets import WindowBatch


def compiled(networks: Sequence[Network], batches: int) -> tuple[Any, Any, Any]:
    """Return the function of an epoch, that of a validation, and the state at the start.

    The state is the trainable variables, the others and those of the optimizer, each of all
    networks together; the networks are of one kind, and an epoch has so many ``batches``.
    """
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    plan, recipe = networks[0].plan, networks[0].recipe
    learner, model = _built(networks[0], plan.in_a_row), _built(networks[0], 1)
    assert len(learner.weights) == len(learner.trainable_variables)
    optimizer = adam(plan.profile.learning_rate, plan.epochs * batches)
    optimizer.build(learner.trainable_variables)
    step = _training_step(learner, optimizer, recipe)

    def epoch(state: Any, data: Batches) -> Any:
        state, losses = jax.lax.scan(step, state, data)
        return state, losses.sum()

    starts = [_start(network, optimizer) for network in networks]
    state = jax.tree.map(lambda *parts: np.stack(parts), *starts)
    return jax.jit(jax.vmap(epoch)), jax.jit(jax.vmap(_validation(model, recipe))), state


def _built(network: Network, in_a_row: int) -> Any:
    model = network.recipe.build(network.plan.seed, in_a_row)
    for layer in model.layers:
        if hasattr(layer, "use_cudnn"):
            layer.use_cudnn = False  # its recurrent kernels cannot be batched over networks
    return model


def _start(network: Network, optimizer: Any) -> tuple[list[Any], list[Any], list[Any]]:
    model = _built(network, network.plan.in_a_row)
    groups = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    weights, others, moments = ([np.asarray(one.value) for one in group] for group in groups)
    return weights, others, moments


def _training_step(
    learner: Any, optimizer: Any, recipe: TrainingRecipe
) -> Callable[[Any, Batches], Any]:
    """Return the step of one network; a batch without windows changes nothing."""
    import jax
    import jax.numpy as jnp

    def loss_of(weights: Any, others: Any, windows: WindowBatch, size: Any) -> Any:
        outputs, others = learner.stateless_call(weights, others, windows.telemetry, training=True)
        losses = recipe.loss(outputs, windows.future_mbps, windows.path, windows.mean_mbps)
        return losses.sum() / jnp.maximum(size, 1.0), others

    gradients_of = jax.value_and_grad(loss_of, has_aux=True)

    def step(state: Any, batch: Batches) -> Any:
        weights, others, moments = state
        (loss, others), gradients = gradients_of(weights, others, *batch)
        weights, moments = optimizer.stateless_apply(moments, gradients, weights)
        after = list(weights), others, list(moments)
        chosen = jax.tree.map(lambda new, old: jnp.where(batch.sizes > 0, new, old), after, state)
        return chosen, loss * batch.sizes

    return step


def _validation(model: Any, recipe: TrainingRecipe) -> Callable[[Any, Batches], Any]:
    """Return the function from one network's state and windows to the sum of their losses."""
    import jax

    def validate(state: Any, data: Batches) -> Any:
        weights, others, _ = state

        def loss_of(windows: WindowBatch) -> Any:
            outputs, _ = model.stateless_call(weights, others, windows.telemetry, training=False)
            losses = recipe.loss(outputs, windows.future_mbps, windows.path, windows.mean_mbps)
            return losses.sum()

        return jax.lax.map(loss_of, data.windows).sum()

    return validate
