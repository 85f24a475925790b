"""gRPC beside HTTP: what serves `proto/pba.proto`. `make proto` writes the `pba_pb2` files."""
