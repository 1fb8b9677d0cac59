"""Frozen language models behind one small interface, and the decoder above them."""
