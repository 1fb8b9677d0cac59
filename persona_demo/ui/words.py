"""The page's own sentences, in one place, for readers who have never heard of soft prompts."""

from __future__ import annotations

TITLE = """# Persona Demo
One small language model, one opening line, and a person's old posts. See what changes when the model
is told who is writing, and what does not."""

PRIVACY = """Nothing you type is stored on this server. It stays in memory while this page is open and for
at most an hour after (what the model read last, until it reads something else), and is never written
to disk."""

MAP = """## Where this person stands
Everybody the plug learned from, laid out so that people who write alike are near. Edit a post and watch
the point move; click a point to take that person instead."""

ARRIVING = "The models load in the background; the example below is already here"

PERSON = "Whose posts"
OPENING = "Opening words"
STRENGTH = "Strength of the persona"
STRENGTH_INFO = "0 is the control, told nothing about the person. 1 is the persona, above exaggerates, below 0 opposes."
PLACEBO = "Could this be placebo?"
PLACEBO_INFO = "Shows a stranger's persona beside it. If that does as well, the effect is not about this person."
PLACEBOS_LABEL = "In the person's place, where the placebo is switched on"
PLACEBOS_INFO = "The same method, told something else than this person."
PLACEBOS = [
    ("Someone else", "other"),
    ("The average person", "mean"),
    ("Noise, as loud as the person", "random"),
    ("Nothing", "zero"),
]
FIND = "Find a person on the map by name or number"

ABOUT = """
### How it works
1. Each post is turned into a list of numbers that says what it is about, how it is written and which words it uses.
2. A small trained part, the *plug*, weighs the posts for your opening words and adds them up to one list of numbers:
   the person.
3. From it the plug makes a few *soft vectors*: made-up words that stand for no word, but that the model reads as if
   they were.
4. The language model itself is frozen. It reads the opening words and the soft vectors, and writes on, one token
   (a word or a piece of one) at a time.
5. The control read the same examples for as long and has as many vectors, but no person: what the persona adds to
   **that** is the personal part.

### What one vector can carry, and what it cannot
It carries habits: how long the sentences are, capitals, punctuation, slang, and what somebody tends to write
about. It does not carry facts: names, dates and events of the posts are averaged away, and what the texts claim
is made up. The columns that put old posts into the prompt can quote facts, and pay for it with more text to read.

### Reading the page with care
* The weights say how the plug mixed the posts for these opening words. They do not prove that a post caused a word.
* The map shows people by how they write and what about. They are anonymous, and their texts are not shipped.
* One example proves nothing. Switch on the placebo, try other opening words, and see the README for measured figures.
* The model is small and was trained on web text. It can be wrong, odd or unkind, and it is not a person.
* Numbers made from posts (not the posts) may stay in the server's memory until it restarts.

The method is *Persona-Plug: LLMs + Persona-Plug = Personalized LLMs*, arXiv 2409.11901.
"""
