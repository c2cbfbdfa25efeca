"""What a backend is, and what every backend shares: naming, layout, rendering, proof."""
