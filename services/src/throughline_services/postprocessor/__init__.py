"""The service that validates, masks and scores answers; it calls no model."""
