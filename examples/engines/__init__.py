"""Gates of one's own: each a file, and a line of YAML that names it."""
