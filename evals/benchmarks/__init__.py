"""Public data sets, answered by the product's own code."""
