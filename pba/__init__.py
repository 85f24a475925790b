"""Predictive Bandwidth Allocation."""
