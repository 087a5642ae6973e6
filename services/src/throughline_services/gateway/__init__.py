"""The service at the edge: HTTP in, gRPC to the others; it neither prompts nor calls a model itself."""
