"""Training a plug over many users."""
