// What is marked on the map of people beside its points: colours, marks, a line, and all of it in words.
// Part of the same function as persona_map.js, whose names it uses.

// Colours of the population, one for each where there are groups.
const hue = (group) => (tint.groups[group].unknown ? "dot" : `${tint.ordered ? "step" : "hue"}-${group}`);
const shade = (group) => paint[hue(group)];

// Where somebody stands who is mixed from others, and where states stand that are pinned.
const marked = ({ mixed, pinned = [] }) => [
  ...(mixed ? [{ text: "◆ mixture", at: mixed }] : []),
  ...pinned.map(({ name, at }) => ({ text: `◆ ${plain(shorten(name))}`, at })),
];
function marks(value) {
  return marked(value).map(({ text, at }) => ({
    x: at[0], y: at[1], text, showarrow: false, captureevents: false, xanchor: "left", xshift: -6,
    bgcolor: paint.panel, borderpad: 2, opacity: 0.95, font: { family: paint.font, size: 13, color: paint.focus },
  }));
}
function markBoxes(value) {
  const pixel = camera(view(), size());
  pen.font = `13px ${paint.font}`;
  return marked(value).map(({ text, at }) => {
    const [x, y] = pixel(at);
    return [x - 9, y - 11, x + pen.measureText(text).width, y + 11];
  });
}

// The line between two people.
function line({ line: places = [] }) {
  return places.slice(1).map((to, at) => ({
    type: "line", x0: places[at][0], y0: places[at][1], x1: to[0], y1: to[1],
    line: { color: paint.focus, width: 2, dash: "2px,3px" },
  }));
}

// The legend: the marks that are there, and what the colours mean, in words and numbers.
function key(value) {
  const ringed = place(value, value.selected) !== undefined;
  const there = [Boolean(value.you), ringed, nearest(value).length > 0, value.people.length > 0, !tint];
  [...part("key").children].forEach((entry, at) => { entry.hidden = !there[at]; });
  part("tint").hidden = !tint;
  if (!tint) return;
  part("tint-title").textContent = tint.title;
  part("tint-list").replaceChildren(...tint.groups.map(({ label, count }, at) => {
    const entry = document.createElement("li");
    const dot = document.createElement("i");
    dot.style.background = `var(--pd-${hue(at)})`;
    entry.append(dot, `${label} (${count})`);
    return entry;
  }));
}

// What the points are called, on a map of people or of what they wrote.
function nameParts() {
  const said = posts
    ? ["", "", `${many} of the nearest people`, `this person's ${many}`, `${many} of people it learned from`]
    : ["you are here, and were", "who was taken", "nearest", "sample people", "people it learned from"];
  [...part("key").children].forEach((entry, at) => { entry.lastChild.textContent = said[at]; });
  if (posts) {
    plot.setAttribute("aria-label", `Map of ${many}. The list below it holds those of this person and of who is near.`);
    part("people").firstElementChild.textContent = `This person's ${many} and those of the nearest, as a list`;
  }
}
