"""The service that finds passages and renders prompts; it calls no model."""
