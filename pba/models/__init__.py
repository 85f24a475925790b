"""The forecasters: simple rules, and the networks as ONNX; one file each."""
