"""The network as an ONNX graph for inference, written operator by operator.

A graph that is converted from Keras has five times as many nodes, and they take most of the time of
one window. `graph.inference_graph` has the weights of a network from `pba.nets.network.build`, with
scales, means and the order of the features folded into them. Training knows nothing of it;
`pba.nets.onnx_export` compares both on every export.
"""
