"""The relation fields: what a model declares."""
