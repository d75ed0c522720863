"""How well and how fast: cases with recorded tools, and benchmarks."""
