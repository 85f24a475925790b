"""The Keras networks: architecture, features, loss, training steps, calibration and ONNX export.

Training in one process is here (`pba.nets.fit`); training on a Ray cluster is in `train`, and
inference on exported files in `pba.models.onnx`. TensorFlow and Keras are imported inside functions
only, so that serving processes do not load them.
"""
