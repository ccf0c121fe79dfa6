"""Real pretrained models and real prose: what the demo on text runs on, and what the gates are measured with."""
