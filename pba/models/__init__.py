"""The forecasters, one file each: the simple rules, and the networks as ONNX files.

Also here: the predictive distribution (bins, and decoding into points, confidences and quantiles),
because every forecaster returns one; the residual distribution that turns a rule into a forecaster;
v1's input features; how much a link carries in a time, and pre-copy over it; and the contract that
every forecaster is checked against. Networks are defined
and trained in `pba.nets` and `train`; combining forecasters is in `pba.forecasting`.
"""
