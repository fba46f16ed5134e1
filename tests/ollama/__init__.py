"""The Ollama engine against recorded exchanges of three versions, and against a live server where there is one."""
