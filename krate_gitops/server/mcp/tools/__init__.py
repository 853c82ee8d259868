"""The tools: a file each, and the table of them."""
