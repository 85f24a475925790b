"""One forecast: planning, fixed share, ensemble, calibration, allocation and assembly.

Pure and synchronous. Nothing here waits, stores, or knows where models run.
"""
