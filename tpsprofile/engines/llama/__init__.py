"""llama.cpp, as the embedded wheel or as anybody's llama-server."""
