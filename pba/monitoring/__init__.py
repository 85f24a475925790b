"""Jobs beside the service: scoring, drift detection, retraining on drift, progressive rollout.

Each module holds the decisions and the state of one job. Where and how often the jobs run is the
caller's choice, and rows are read and written through `pba.store`.
"""
