"""Generated from services/proto by `make proto`; not to be edited."""
