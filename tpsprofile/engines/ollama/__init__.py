"""Ollama, a server with models of its own: ``engine`` is the way in."""
