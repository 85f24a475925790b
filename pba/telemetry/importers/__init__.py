"""Readers of trace files, one module a format, that recognise their format by its content.

`pba.telemetry.importers.contract` finds them by themselves. Each returns measurements in PBA's
units; `pba.telemetry.measurements` cleans them into traces. Names and addresses of people and
their machines that a format records are not read.
"""
