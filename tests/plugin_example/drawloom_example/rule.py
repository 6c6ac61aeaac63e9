"""A canonicalisation rule."""

from drawloom.passes import ZEROS, pattern, rule

crelu_of_zeros = rule("crelu-of-zeros", pattern("crelu", ZEROS), ZEROS)
"""Nothing comes of nothing."""
