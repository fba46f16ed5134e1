"""Models: sizes and shapes, facts from GGUF files, synthetic twins, and what fits in memory."""
