"""Training on a Ray cluster (`python -m train`): loop, job, report and card."""
