"""PBA on Ray Serve: thin shims over the plain library in `pba`."""
