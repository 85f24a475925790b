"""Evaluation of forecasters on recorded traces.

Walk-forward evaluation with cached forecasts, replay of a trace against a service, the metrics,
bootstrap intervals, the baselines to compare with, and the report and its plots. Scoring of live
forecasts is in `pba.scoring` and `pba.monitoring`; training and its gate are in `train`.
"""
