"""Performance and quality of the service, one question per file; README.md lists them.

Neither the product nor its tests import this package.
"""
