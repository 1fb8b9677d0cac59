"""What is known of each corpus and each task that a reader of a model card must know: terms and limits."""

from __future__ import annotations

from collections.abc import Mapping

from persona_demo.tasks import TaskName

TERMS: Mapping[str, str] = {
    "blog_authorship": (
        "Blog Authorship Corpus (Schler, Koppel, Argamon, Pennebaker 2006, 'Effects of Age and Gender on "
        "Blogging'), people of 23 years and older. Its terms are not settled; it is commonly quoted as free for "
        "non-commercial research. Treat this plug the same way, and attribute."
    ),
    "acl_titles": (
        "Titles and abstracts of the ACL Anthology (aclanthology.org), papers of 2016 and later, which its "
        "repository puts under CC BY 4.0; a few venues may have terms of their own. Attribute the Anthology and the "
        "papers' authors. Authors without an id there were told apart by name, so namesakes may be one person."
    ),
    "film_critics": (
        "One-line snippets of critics' film reviews with scores and synopses, as Rotten Tomatoes collects them, out "
        "of a repository of course material (learn-co-curriculum/dsc-phase-1-project) under an educational content "
        "licence whose full text was not read. The snippets belong to their publishers: for evaluation and research, "
        "not to be passed on. Treat this plug the same way."
    ),
    "git_commit_messages": (
        "Commit messages of the Git project (github.com/git/git), 2005 to 2026. The project is under GPL-2.0; for its "
        "messages nothing separate is stated."
    ),
    "movie_preferences": (
        "MovieLens ml-latest-small (Harper and Konstan 2015, doi 10.1145/2827872): free for research with "
        "acknowledgement, to be passed on under the same conditions, not for commercial use without permission, and "
        "no endorsement by its makers may be implied. Films' stories are from TMDB, by way of two repositories that "
        "state no licence."
    ),
    "news_headlines": (
        "HuffPost articles of 2018 to 2022, the newest 10,000 rows of R. Misra's News Category Dataset v3. The copy "
        "used states no licence; the data set is commonly quoted with CC BY 4.0, which was not verified."
    ),
}
"""By name of the corpus folder."""

UNKNOWN_TERMS = "The corpus's own terms hold; see its source."

LIMITS: Mapping[TaskName, str] = {
    "blog-post": "It knows how bloggers of 2004 wrote English.",
    "film-review": (
        "It knows one line each of professional critics, by the film's story alone: the films' titles are not in its "
        "data, and what it praises or blames is no critic's opinion."
    ),
    "film-rating": (
        "It was told critics' scores, brought to five stars from many scales. It guesses the stars this person would "
        "print beside a text, not what the film is worth."
    ),
    "paper-title": (
        "It knows papers on language technology since 2016. Most have several authors, so a title's manner is seldom "
        "one person's alone."
    ),
    "headline": (
        "It learned from about fifty authors of one news site; some author names stand for two people or for a wire "
        "service, and editors write headlines too."
    ),
    "commit-subject": (
        "It learned from about 140 authors of one project, whose house style ('area: what') all of them share: what "
        "is a person's own in a subject line is little."
    ),
    "movie-stars": (
        "It reads what a film is about and the stars somebody gave; half stars are rounded up. Nobody wrote a word of "
        "the texts it reads, so there is no manner in it, only taste."
    ),
    "lamp-1": "Its questions have LaMP's shape; figures are LaMP's only where the files are.",
    "lamp-2": "Its questions have LaMP's shape; figures are LaMP's only where the files are.",
    "lamp-3": "Its questions have LaMP's shape; figures are LaMP's only where the files are.",
    "lamp-4": "Its questions have LaMP's shape; figures are LaMP's only where the files are.",
    "lamp-5": "Its questions have LaMP's shape; figures are LaMP's only where the files are.",
    "lamp-7": "Its questions have LaMP's shape; figures are LaMP's only where the files are.",
}
"""By task."""
