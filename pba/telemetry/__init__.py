"""Telemetry of links as numbers: windows, gaps and spacing, mode detection, traces and datasets.

Also readers of trace files and synthetic links. Storing telemetry is in `pba.store`; nothing here
forecasts.
"""
