"""Critics that name the first wrong step of a solution, against what people named: docs/studies/critics.md."""
