"""The jobs beside the service: scoring, drift, retraining on drift, the progressive rollout.

Decisions and the loops around them. Where they run is the caller's.
"""
