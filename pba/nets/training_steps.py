"""Compiled training and evaluation steps, for a single process and for several workers."""

from collections.abc import Sequence
from typing import Any

from pba.nets.loss import distillation_loss
from pba.nets.training_recipe import TrainingRecipe
from pba.telemetry.datasets import WindowBatch
from pba.types import Floats

__all__ = ["TrainingSteps", "adam"]

_CLIP_NORM = 1.0
_WARM_UP_SHARE = 0.05
_DISTILLATION_SHARE = 0.7


def adam(peak: float, steps: int, replicas: int = 1) -> Any:
    """Return Adam with a short warm-up to ``peak`` and a cosine decay over ``steps`` steps.

    Each replica clips the gradient of its own share, so that the norm of their sum is at most 1.
    """
    import keras

    warm_up = max(1, int(_WARM_UP_SHARE * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        peak / warm_up,
        max(1, steps - warm_up),
        alpha=0.01,
        warmup_target=peak,
        warmup_steps=warm_up,
    )
    return keras.optimizers.Adam(schedule, global_clipnorm=_CLIP_NORM / replicas)


class TrainingSteps:
    """The compiled steps of one network.

    Parameters
    ----------
    learner, optimizer
        The network to train and its optimizer, created under ``strategy.scope()``.
    model
        The network to evaluate, one window at a time: the learner itself, or the same architecture
        if the learner takes several windows in a row. Created under the same scope.
    recipe
        Defines the loss.
    strategy
        The distribution strategy; None for a single process. Every process passes its own share
        of a batch and the size of the whole batch, and gets the loss of the whole batch.
    teachers
        Trained networks with the learner's input shape. Seven tenths of the loss are then the
        distillation loss to their mean, which contains more information than the one actual.
    """

    def __init__(
        self,
        learner: Any,
        model: Any,
        optimizer: Any,
        recipe: TrainingRecipe,
        strategy: Any = None,
        teachers: Sequence[Any] = (),
    ) -> None:
        import tensorflow as tf

        self._strategy = strategy or tf.distribute.get_strategy()
        self._learner, self._model, self._optimizer = learner, model, optimizer
        self.recipe, self._teachers = recipe, teachers
        with self._strategy.scope():
            optimizer.build(learner.trainable_variables)
        targets = [tf.TensorSpec((None, 3), tf.float32)] * 3 + [tf.TensorSpec((), tf.float32)]
        self._train, self._evaluate = (
            tf.function(
                step,
                input_signature=[
                    tf.TensorSpec((None, *network.input_shape[1:]), tf.float32),
                    *targets,
                ],
            )
            for step, network in ((self._train_all, learner), (self._evaluate_all, model))
        )
        figures = [tf.TensorSpec((None,), tf.float64)]
        self._sum_over_workers = tf.function(self._sum_all, input_signature=figures)

    @property
    def in_a_row(self) -> int:
        """The number of consecutive windows that the learner takes."""
        return int(self._learner.input_shape[1] - self._model.input_shape[1] + 1)

    def sync_weights(self) -> None:
        """Copy the learner's weights to the evaluated model."""
        if self._model is not self._learner:
            self._model.set_weights(self._learner.get_weights())

    def train(self, batch: WindowBatch, size: int) -> float:
        """Train on this process's share ``batch`` of ``size`` windows; return the mean loss."""
        return float(self._train(*batch, float(size)))

    def evaluate(self, batch: WindowBatch, size: int) -> tuple[float, Floats, Floats]:
        """Return the mean loss of all, and the probabilities and levels of this share."""
        loss, probabilities, level_mbps = self._evaluate(*batch, float(size))
        return float(loss), probabilities.numpy(), level_mbps.numpy()

    def sum_over_workers(self, figures: Floats) -> list[float]:
        """Return the sums of ``figures``, shape ``(figure,)``, over all processes."""
        return [float(figure) for figure in self._sum_over_workers(figures)]

    def _sum_all(self, figures: Any) -> Any:
        return self._total(self._strategy.run(lambda local: local, (figures,)))

    def _total(self, values: Any) -> Any:
        import tensorflow as tf

        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)

    def _train_all(self, *inputs: Any) -> Any:
        return self._total(self._strategy.run(self._train_one, inputs))

    def _train_one(self, telemetry: Any, future: Any, path: Any, mean: Any, size: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = self._learner(telemetry, training=True)
            losses = self.recipe.loss(outputs, future, path, mean)
            if self._teachers:
                losses = (1.0 - _DISTILLATION_SHARE) * losses
                losses += _DISTILLATION_SHARE * self._distillation(outputs, telemetry, future, mean)
            loss = tf.reduce_sum(losses) / size
        variables = self._learner.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _distillation(
        self, outputs: dict[str, Any], telemetry: Any, future_mbps: Any, mean_mbps: Any
    ) -> Any:
        """Return the loss of each window to the mean of what the teachers predict."""
        of_teachers = [teacher(telemetry, training=False) for teacher in self._teachers]
        total = 0.0
        for name, actual_mbps in (("probabilities", future_mbps), ("intervals", mean_mbps)):
            if name in outputs:
                teacher = sum(output[name] for output in of_teachers) / len(of_teachers)
                known = actual_mbps[:, : outputs[name].shape[1]]
                total += distillation_loss(outputs[name], teacher, known)
        return total

    def _evaluate_all(self, *inputs: Any) -> Any:
        loss, probabilities, level_mbps = self._strategy.run(self._evaluate_one, inputs)
        return self._total(loss), probabilities, level_mbps

    def _evaluate_one(self, telemetry: Any, future: Any, path: Any, mean: Any, size: Any) -> Any:
        import tensorflow as tf

        outputs = self._model(telemetry, training=False)
        loss = tf.reduce_sum(self.recipe.loss(outputs, future, path, mean)) / size
        return loss, outputs["probabilities"], outputs["level_mbps"]
