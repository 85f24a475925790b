"""PBA on Ray Serve: only what needs Ray or a wire format, around the plain library in `pba`.

Imports inside are relative, so that a wheel can install this package as `pba_serve`.
"""
