"""The service that calls the model; it builds no prompt and judges no answer."""
