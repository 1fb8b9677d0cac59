"""Looking inside: the tabs below the main job, each a layout, its verbs and pure views.

All of them look at the one session, input and seed of the page; none keeps a person of its own.
"""
