"""One training step and one evaluation step, compiled; the same for one process and for many."""

from collections.abc import Sequence
from typing import Any

from pba.nets.loss import distillation_loss
from pba.nets.training_recipe import TrainingRecipe
from pba.telemetry.datasets import WindowBatch
from pba.types import Floats

__all__ = ["TrainingSteps", "adam"]

_CLIP_NORM = 1.0
_WARM_UP_SHARE = 0.05
_TAUGHT_SHARE = 0.7


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
        What is trained, and how; made under ``strategy.scope()``.
    model
        What is evaluated, one window at a time: the learner itself, or the same network where the
        learner takes several windows in a row. Made there too.
    recipe
        Gives the loss.
    strategy
        How replicas work together; None for one process alone. Every process passes its own share
        of a batch and the size of the whole, and gets the loss of the whole.
    teachers
        Trained networks that take what the learner takes: seven tenths of the loss are then how far
        the learner is from their mean, which knows more of what might have come than the one thing
        that came.
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
        floats = [tf.TensorSpec((None, 3), tf.float32)] * 2 + [tf.TensorSpec((), tf.float32)]
        self._train, self._evaluate = (
            tf.function(
                step,
                input_signature=[
                    tf.TensorSpec((None, *given.input_shape[1:]), tf.float32),
                    *floats,
                ],
            )
            for step, given in ((self._train_all, learner), (self._evaluate_all, model))
        )
        figures = [tf.TensorSpec((None,), tf.float64)]
        self._add_up = tf.function(self._add_up_all, input_signature=figures)

    @property
    def in_a_row(self) -> int:
        """How many windows in a row the learner takes."""
        return int(self._learner.input_shape[1] - self._model.input_shape[1] + 1)

    def catch_up(self) -> None:
        """Give what is evaluated the weights that were learnt."""
        if self._model is not self._learner:
            self._model.set_weights(self._learner.get_weights())

    def train(self, batch: WindowBatch, size: int) -> float:
        """Learn from this process's share ``batch`` of ``size`` windows; return the mean loss."""
        return float(self._train(*batch, float(size)))

    def evaluate(self, batch: WindowBatch, size: int) -> tuple[float, Floats, Floats]:
        """Return the mean loss of all, and the probabilities and levels of this share."""
        loss, probabilities, level_mbps = self._evaluate(*batch, float(size))
        return float(loss), probabilities.numpy(), level_mbps.numpy()

    def add_up(self, figures: Floats) -> list[float]:
        """Return the sums of ``figures``, shape ``(figure,)``, over all processes."""
        return [float(figure) for figure in self._add_up(figures)]

    def _add_up_all(self, figures: Any) -> Any:
        return self._total(self._strategy.run(lambda mine: mine, (figures,)))

    def _total(self, values: Any) -> Any:
        import tensorflow as tf

        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)

    def _train_all(self, telemetry: Any, future: Any, path: Any, size: Any) -> Any:
        return self._total(self._strategy.run(self._train_one, (telemetry, future, path, size)))

    def _train_one(self, telemetry: Any, future: Any, path: Any, size: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            outputs = self._learner(telemetry, training=True)
            losses = self.recipe.loss(outputs, future, path)
            if self._teachers:
                taught = distillation_loss(outputs, self._wanted(telemetry), future)
                losses = (1.0 - _TAUGHT_SHARE) * losses + _TAUGHT_SHARE * taught
            loss = tf.reduce_sum(losses) / size
        variables = self._learner.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _wanted(self, telemetry: Any) -> Any:
        """Return the teachers' mean probabilities."""
        said = [one(telemetry, training=False)["probabilities"] for one in self._teachers]
        return sum(said) / len(said)

    def _evaluate_all(self, telemetry: Any, future: Any, path: Any, size: Any) -> Any:
        run = self._strategy.run(self._evaluate_one, (telemetry, future, path, size))
        loss, probabilities, level_mbps = run
        return self._total(loss), probabilities, level_mbps

    def _evaluate_one(self, telemetry: Any, future: Any, path: Any, size: Any) -> Any:
        import tensorflow as tf

        outputs = self._model(telemetry, training=False)
        loss = tf.reduce_sum(self.recipe.loss(outputs, future, path)) / size
        return loss, outputs["probabilities"], outputs["level_mbps"]
