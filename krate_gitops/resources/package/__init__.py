"""The package as it is shipped: chart values and what is made from them, and the checks KR601 to KR607."""
