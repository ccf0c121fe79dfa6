"""Functions with tests about this project's own source code: a stand-in for a model that writes them by rule."""
