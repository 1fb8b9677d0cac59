"""The llama.cpp engine against torch on the same tiny weights."""
