"""The front door over HTTP and handles: router, routes, request and response models, error codes."""
