"""Servers that speak as OpenAI's do: ``engine`` is the way in, ``servers`` tells them apart."""
