"""Training of the bandwidth models with Ray Train, and retraining from reported telemetry.

The commands (`python -m train`, `python -m train retrain`), the data splits, the loop of a Ray
Train worker, checkpoints, the exported model with its card, and the gate that decides on a
promotion. Networks, losses and single steps are in `pba.nets`; what serves a model is not here.
Imports inside the package are relative, so that a wheel can install it under another name.
"""
