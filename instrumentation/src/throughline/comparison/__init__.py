"""Compares a prompt's variants by what their requests did, so that peeking is safe; assigns nobody to a variant."""
