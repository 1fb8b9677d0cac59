"""The Maps tab: people and their items side by side, with the one selection of the page on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
import numpy as np
import torch
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.maps.atlas import Placement
from persona_demo.maps.figures import FIGURES, SCORE
from persona_demo.maps.item_map import ItemMap, item_vectors
from persona_demo.maps.placing import place_among
from persona_demo.runtime import Runtime
from persona_demo.tasks.wording import capital
from persona_demo.ui import words
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside import by_task, finding, map_views, twice
from persona_demo.ui.inside.look import Look
from persona_demo.ui.inside.map_views import COUNT, FIGURE_MARK, NO_STYLE, NONE, SAMPLES, SENTENCE
from persona_demo.ui.inside.parts import MapParts
from persona_demo.ui.inside.tables import table
from persona_demo.ui.kept import Kept
from persona_demo.ui.map_value import MapValue, NamedPoint, Tint, map_value
from persona_demo.ui.mixture import Mixture
from persona_demo.ui.persona_map import PersonaMap
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.standing import map_of, pinned_points, stand
from persona_demo.ui.state import Record, Session, key_of
from persona_demo.ui.verbs import guarded
from persona_demo.ui.widget import widget

MOST_POSTS = 60
"""Latest items of a person that are put on the map of items."""
POST = "post:"
"""What the id of a point starts with that is an item of the person on the table; person and item follow."""
NO_ITEMS = "There is no map of {many} here yet: it is made by “python -m persona_demo atlas build”."
LIKENESS = "Distance from your sentence: 0 is the same direction"
Which = Literal["both", "people", "posts", "twice", "tasks"]
TintOrWord = Tint | Literal["keep", "none"]

ABOUT = """The first map has everybody the plug learned from; the second, single {many} of theirs, each standing
where somebody would who wrote nothing else. Nothing ever moves but the person you edit, who leaves a trail.
Click anybody to take them: their texts are not shipped, and the persona is then made from the list of numbers
that was kept of them. What that list gives away, the tabs In words and Placebos show: worth knowing of any service
that says it keeps “only vectors”. {colours}"""
ONE_TASK = "The points of a map are all of one task, so there is no colour by task."
TASKS = "These maps are of one task; everybody this plug has learned from, coloured by task, is the last choice."


@dataclass(frozen=True)
class PostPlaces:
    """Where a person's items stand on the map of items.

    Attributes:
        points: One for each item.
        nearest: Id and distance of the nearest item of the population, for each.
    """

    points: tuple[NamedPoint, ...] = ()
    nearest: tuple[tuple[str, float], ...] = ()


def lay_out(shelf: Shelf) -> MapParts:
    """Lay the tab out."""
    atlas, items, of = shelf.atlas, shelf.items, shelf.wording
    colours = TASKS if shelf.everybody is not None else ONE_TASK
    gr.Markdown(ABOUT.format(many=of.many, colours=colours), elem_classes="pd-lead")
    with gr.Row(elem_classes="pd-choices"):
        shown = [("Both", "both"), ("People", "people"), (capital(of.many), "posts")]
        if atlas is not None and shelf.subjects is not None:
            shown += [("People, and people by subject", "twice")]
        if shelf.everybody is not None:
            shown += [("People of all tasks", "tasks")]
        which = gr.Radio(shown, value="both", label="Show", min_width=220, elem_id="pd-which")
        names = atlas.style_names if atlas is not None else ()
        colour = gr.Dropdown(
            map_views.colour_choices(atlas, names, of), value=NONE, label="Colour by", min_width=240,
            elem_id="pd-colour",
        )  # fmt: skip
        sentence = gr.Textbox(
            label="A sentence to compare with", placeholder="Type one and press Enter", lines=1, max_lines=3,
            min_width=240, elem_id="pd-sentence",
        )  # fmt: skip
    if atlas is not None and not atlas.style_names:
        gr.Markdown(NO_STYLE, elem_classes="pd-lead")
    with gr.Row(equal_height=False, elem_id="pd-maps"):
        with gr.Column(min_width=320) as people_side:
            people = PersonaMap(
                ids=atlas.ids if atlas else (),
                coordinates=atlas.coordinates.tolist() if atlas else (),
                counts=atlas.counts.tolist() if atlas else (),
                regions=[(r.label, r.x, r.y) for r in atlas.regions] if atlas else (),
                nouns=(of.a, of.many),
                striking=list(shelf.striking.values()),
                actions=True,
                elem_id="pd-map-people",
            )
            gr.Markdown(words.nearness(shelf.placement), elem_classes="pd-under-map")
            near = widget("table", table(), go="select", goes="Take this person", elem_id="pd-near")
        with gr.Column(min_width=320) as posts_side:
            posts = PersonaMap(
                ids=items.ids if items else (),
                coordinates=items.coordinates.tolist() if items else (),
                counts=[1] * len(items.ids) if items else (),
                kind="posts",
                nouns=(of.a, of.many),
                regions=[(r.label, r.x, r.y) for r in items.regions] if items else (),
                actions=True,
                elem_id="pd-map-posts",
            )
            find = gr.Textbox(
                label=f"Find {of.many} on the map", placeholder="Words, a number, or an id such as p0123; then Enter",
                lines=1, max_lines=1, visible=items is not None, elem_id="pd-find-posts",
            )  # fmt: skip
            goes = f"Show this {of.one} in the table"
            near_posts = widget("table", table(), go="post", goes=goes, elem_id="pd-near-posts")
        by_subject, everybody = twice.lay_out(shelf), by_task.lay_out(shelf)
    sides = (people_side, posts_side, by_subject, everybody)
    return MapParts(which, colour, sentence, people, posts, near, find, near_posts, *sides)


class Maps(Look):
    """Verbs of the Maps tab."""

    @property
    def parts(self) -> MapParts:
        """The components of this tab."""
        return self.page.inside.maps

    @guarded
    def follow(self, record: Record, kept: list[Record], opening: str) -> Changes:
        """Show on both maps who is on the table now, and tell the other tabs."""
        session = Session.from_record(record)
        # Edits are as lost with the page as they would be of who is on the table.
        others = bool(Kept(tuple(kept)).changed)
        here = {self.page.inside.here: {"key": key_of(session, opening), "others": others}}
        return self._drawn(session, None, tint=("keep", "keep")) | here

    def _drawn(self, session: Session, mixed: dict[str, Any] | None, *, tint: tuple[TintOrWord, TintOrWord]) -> Changes:
        mixture = None if mixed is None else Mixture.from_record(mixed)
        _, placement = stand(self.shelf, self.loading.runtime, session, "")
        places, pinned = self._places(session), pinned_points(self.shelf, self.loading.runtime, session)
        parts, atlas = self.parts, self.shelf.atlas
        own = self._stored_rows(session)
        if session.stored and self.shelf.items is not None:
            posts = map_views.stored_posts_table(session, self.shelf.items, own)
        else:
            posts = map_views.own_posts_table(session, places.nearest)
        return {
            parts.people: map_of(self.shelf, session, placement, mixture=mixture, pinned=pinned, tint=tint[0]),
            parts.posts: self._posts_value(session, placement, places, tint=tint[1]),
            parts.near: map_views.near_table(session, placement, self.shelf.names, atlas, self.shelf.striking),
            parts.near_posts: posts,
            parts.twice.people: twice.twice_value(self.shelf, self.loading.runtime, session, placement),
            parts.by_task.people: by_task.by_task_value(self.shelf, self.loading.runtime, session),
        }

    def _stored_rows(self, session: Session) -> list[int]:
        items = self.shelf.items
        return [] if items is None or not session.stored else [int(i) for i in items.items_of(session.who)]

    def _places(self, session: Session) -> PostPlaces:
        runtime, items = self.loading.runtime, self.shelf.items
        active = session.history.active[-MOST_POSTS:]
        if runtime is None or items is None or not active:
            return PostPlaces()
        numbers = {item.id: n for n, item in enumerate(session.history, start=1)}
        task = runtime.task(self.task.name)
        texts = [task.item_text(item, labels=runtime.plug.config.labels) for item in active]
        vectors = item_vectors(runtime.plug, runtime.encoder.encode(texts))
        points, nearest, ids = [], [], items.ids
        for item, vector in zip(active, vectors, strict=True):
            distances = items.distances(vector)
            (x, y), near = place_among(distances, items.coordinates)
            points.append(NamedPoint(_point_id(session, item.id), self.wording.numbered(numbers[item.id]), x, y))
            nearest.append((ids[near[0]], float(distances[near[0]])))
        return PostPlaces(tuple(points), tuple(nearest))

    def _posts_value(
        self, session: Session, placement: Placement | None, places: PostPlaces, *, tint: TintOrWord
    ) -> MapValue:
        items, of = self.shelf.items, self.wording
        if items is None:
            return map_value(message=NO_ITEMS.format(many=of.many))
        near = {each.id for each in placement.neighbours[:8]} if placement is not None else set()
        ringed = [name for name, owner in zip(items.ids, items.people, strict=True) if owner in near]
        points = list(places.points)
        if session.stored:
            own = self._stored_rows(session)
            ids = items.ids
            points = [NamedPoint(ids[i], ids[i], *map(float, items.coordinates[i])) for i in own]
            said = f"{of.count(len(own))} of {session.who} on this map."
        elif not points:
            said = f"The {of.many} of {session.history.name} follow when the models are loaded and there are some."
        else:
            hidden = len(session.history.active) - len(points)
            said = f"{of.count(len(points))} of {session.history.name}" + (
                f", the latest; {hidden} more are not drawn."
                if hidden
                else "; choose one to see it in the table above."
            )
        rings = f" The rings are {of.count(len(ringed))} of the people nearest to them." if ringed else ""
        return map_value(people=points, neighbours=ringed, message=said + rings, tint=tint)

    @guarded
    def find(self, record: dict[str, Any], query: str, mixed: dict[str, Any] | None = None) -> Changes:
        """Show on the map of items what was searched for, and nothing else; all of them after an empty search."""
        session, items, of = Session.from_record(record), self.shelf.items, self.wording
        changes: Changes = {self.page.notice: {"text": "", "kind": ""}}
        if items is None:
            raise UserError(NO_ITEMS.format(many=of.many))
        if not query.strip():
            return changes | self._drawn(session, mixed, tint=("keep", "keep"))
        found, own = finding.items_on_map(items, query), finding.own_items(session, query.strip())
        mine = {_point_id(session, item): item for item in own}
        points = [point for point in self._places(session).points if point.id in mine]
        if not points and not found:
            raise UserError(f"No {of.one} on the map has these words, this number or this id: search for others.")
        said = f"Found: {of.count(len(points))} of {session.history.name}, {of.count(len(found))} of other people."
        shown = [mine[point.id] for point in points]
        return changes | {
            self.parts.posts: map_value(people=points, neighbours=found, message=said),
            self.parts.near_posts: map_views.found_table(session, shown, found),
        }

    def show(self, which: Which) -> Changes:
        """Show one map or two."""
        return {
            self.parts.people_side: gr.Column(visible=which not in ("posts", "tasks")),
            self.parts.posts_side: gr.Column(visible=which in ("both", "posts")),
            self.parts.twice.side: gr.Column(visible=which == "twice"),
            self.parts.by_task.side: gr.Column(visible=which == "tasks"),
        }

    @guarded
    def recolour(
        self, record: dict[str, Any], colour: str, sentence: str, mixed: dict[str, Any] | None = None
    ) -> Changes:
        """Colour the points of both maps."""
        session = Session.from_record(record)
        changes: Changes = {self.page.notice: {"text": "", "kind": ""}}
        if self.shelf.atlas is None:
            raise UserError("There is no map to colour: run 'python -m persona_demo atlas build'.")
        if colour == SENTENCE and not sentence.strip():
            # Somebody chose it from the list and is about to type.
            return changes
        if colour == SENTENCE:
            return changes | self._like(session, sentence.strip(), mixed)
        return changes | self._drawn(session, mixed, tint=self._tints(colour))

    @guarded
    def compare_sentence(self, record: dict[str, Any], sentence: str, mixed: dict[str, Any] | None = None) -> Changes:
        """Colour both maps by likeness to what was typed."""
        if not sentence.strip():
            raise UserError("There is no sentence to compare with: type one.")
        return self.recolour(record, SENTENCE, sentence, mixed) | {self.parts.colour: SENTENCE}

    def _like(self, session: Session, sentence: str, mixed: dict[str, Any] | None) -> Changes:
        runtime, atlas, items = self.runtime, self.shelf.atlas, self.shelf.items
        if atlas is None:
            return {}
        with torch.no_grad():
            vector = item_vectors(runtime.plug, runtime.encoder.encode([sentence]))[0]
        people, title = atlas.distances(vector), LIKENESS
        colours: TintOrWord = "none"
        alike: dict[Any, MapValue] = {self.parts.people: map_views.most_like(atlas.ids, people, "people")}
        if items is not None:
            apart = items.distances(vector)
            colours = map_views.nearness(apart, title=title)
            alike[self.parts.posts] = map_views.most_like(items.ids, apart, self.wording.many)
        drawn = self._drawn(session, mixed, tint=(map_views.nearness(people, title=title), colours))
        drawn |= {where: drawn[where] | ringed for where, ringed in alike.items()}
        return drawn | {self.parts.near: map_views.sentence_table(atlas, people, self.wording, self.shelf.striking)}

    def _tints(self, colour: str) -> tuple[TintOrWord, TintOrWord]:
        atlas, items = self.shelf.atlas, self.shelf.items
        if atlas is None or colour == NONE:
            return "none", "none"
        if colour == COUNT:
            title = f"{capital(self.wording.many)} they stand for"
            return map_views.steps(atlas.counts.astype(np.float64), title=title, digits=0), "none"
        if colour == SAMPLES:
            names, vectors = self._samples()
            title = "Nearest sample person"
            people = map_views.nearest_of(np.stack([atlas.distances(v) for v in vectors]), names, title=title)
            if items is None:
                return people, "none"
            return people, map_views.nearest_of(np.stack([items.distances(v) for v in vectors]), names, title=title)
        name = colour.removeprefix(FIGURE_MARK)
        return self._figure_tints(name, atlas.style_figures(name), items)

    @staticmethod
    def _figure_tints(name: str, figures: NDArray[np.floating], items: ItemMap | None) -> tuple[Tint, TintOrWord]:
        title = next(figure.title for figure in FIGURES if figure.name == name)
        title = title[:1].upper() + title[1:]
        people = map_views.steps(figures, title=title)
        if items is None or name not in items.style_names:
            return people, "none"
        own = items.style[:, items.style_names.index(name)]
        # A single score is a whole number, a person's mean is not.
        return people, map_views.steps(own, title=title, digits=0 if name == SCORE else 1)

    def _samples(self) -> tuple[list[str], list[NDArray[np.float32]]]:
        """Names and user vectors of the sample people."""
        runtime: Runtime = self.runtime
        task = runtime.task(self.task.name)
        shown: Sequence[Any] = [s for s in self.shelf.samples if s.history.active][: map_views.MAX_HUES]
        return [s.history.name for s in shown], [runtime.embed(s.history, task).user_vector for s in shown]

    @guarded
    def clear_marks(self, record: dict[str, Any]) -> Changes:
        """Take colours, sentence, search and lines away; who is on the table stays."""
        drawn = self._drawn(Session.from_record(record), None, tint=("none", "none"))
        # The map at the top shows the same person, and the line of a mixture that goes as well.
        front = {self.page.people: drawn[self.parts.people]}
        return drawn | front | {self.parts.colour: NONE, self.parts.sentence: "", self.parts.find: ""}


def _point_id(session: Session, item: str) -> str:
    # Ids of people have no slash.
    return f"{POST}{session.who}/{item}"
