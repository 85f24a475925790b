"""The network as an ONNX graph for inference, written operator by operator.

A graph that is converted from Keras has five times as many nodes and is slower.
`graph.inference_graph` has the weights of a network from `pba.nets.network.build`, with scales,
means and the order of the features folded into them. Keras trains the network; this graph only
serves, and `pba.nets.onnx_export` compares both on every export.
"""
