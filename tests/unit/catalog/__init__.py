"""The catalog: which models, from where, in which folder, and what happens when something goes wrong."""
