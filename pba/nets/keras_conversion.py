"""Conversion of any Keras network to an ONNX model."""

from typing import Any

__all__ = ["convert_keras"]

_OPSET = 17


def convert_keras(model: Any) -> Any:
    """Return ``model``, from ``telemetry`` to named outputs, as an ONNX model."""
    import tensorflow as tf
    import tf2onnx

    signature = (tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="telemetry"),)
    # A dict from the traced function gives the ONNX outputs their names.
    traced = tf.function(lambda x: dict(model(x, training=False)), input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=_OPSET)
    return proto
