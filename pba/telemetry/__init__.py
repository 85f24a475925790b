"""What links report: windows, gaps and spacing, mode detection, traces, synthetic links, datasets.

Numbers only. Nothing here forecasts.
"""
