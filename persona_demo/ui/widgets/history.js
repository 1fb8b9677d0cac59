const PAUSE = 800; // ms without a key before an edit is sent
const PATIENCE = 4000; // ms after which a change that was not answered, or refused, holds up no other
const LARGEST = 5_000_000; // bytes; the server refuses more as well, this saves the way
const find = (selector) => element.querySelector(selector);
const body = find("tbody");
const draft = find(".pd-add textarea");
const file = find("input[type=file]");
const rows = new Map();
const said = props.said;
find(".pd-frame").setAttribute("aria-label", said.region);
find("caption").textContent = said.caption;
find(".pd-head").textContent = said.heading;
find(".pd-order").textContent = said.order;
find(".pd-caveat").textContent = said.caveat;
find(".pd-add label span").textContent = said.add;
draft.placeholder = said.hint;
put(find(".pd-bare"), said.bare);
put(find(".pd-elsewhere"), "");
let refocus = null;
let moved = null; // what had the focus in a row that was moved
let added = null; // the draft that was sent and is not yet taken

// One change at a time: the answers to two may come in the wrong order, and the older would be what is seen last.
const asked = [];
let waiting = null;
const next = () => {
  clearTimeout(waiting);
  waiting = null;
  if (!asked.length) return;
  const [verb, data] = asked.shift();
  trigger(verb, data);
  // A file changes nothing here that would have to be waited for.
  if (verb === "save") next();
  else waiting = setTimeout(next, PATIENCE);
};
const ask = (verb, data) => {
  asked.push([verb, data]);
  if (waiting === null) next();
};

const send = (row, { blank }) => {
  clearTimeout(row.timer);
  const text = row.area.value;
  if (text === row.sent || (!blank && !text.trim())) return;
  row.sent = text;
  row.node.classList.add("pd-unsaved");
  ask("edit", { id: row.id, person: row.person, text });
};

const move = (row, step) => {
  const place = [...body.children].indexOf(row.node) + (step === "up" ? -1 : 1);
  if (place < 0 || place >= body.children.length) return;
  // What was typed and not sent yet goes first; the server takes one after the other.
  send(row, { blank: false });
  const at = document.activeElement;
  moved = { row, at, number: row.number.textContent, from: row.node.contains(at) && at === row.area ? [at.selectionStart, at.selectionEnd] : null };
  ask("move", { id: row.id, person: row.person, step });
};

const newRow = (id) => {
  const row = { id, person: props.value.person, node: make("tr"), number: make("th", { scope: "row" }), area: make("textarea", { rows: "2" }) };
  row.date = make("span", { class: "pd-date" });
  row.label = make("span", { class: "pd-label" });
  row.given = make("p", { class: "pd-given" });
  row.bar = make("b");
  row.share = make("span");
  row.mute = make("input", { type: "checkbox" });
  row.remove = make("button", { type: "button", class: "pd-remove" }, "×");
  row.up = make("button", { type: "button", class: "pd-move" }, "↑");
  row.down = make("button", { type: "button", class: "pd-move" }, "↓");
  const track = make("div", { class: "pd-bar", "aria-hidden": "true" });
  row.even = make("i");
  track.append(row.bar, row.even);
  for (const [name, parts] of [
    ["number", [row.number]], ["post", [row.area, row.date, row.label, row.given]], ["weight", [track, row.share]],
    ["mute", [row.mute]], ["remove", [row.up, row.down, row.remove]],
  ]) {
    const cell = name === "number" ? row.number : make("td");
    cell.classList.add(`pd-cell-${name}`);
    if (name !== "number") cell.append(...parts);
    row.node.append(cell);
  }
  row.area.addEventListener("input", () => {
    clearTimeout(row.timer);
    row.timer = setTimeout(() => send(row, { blank: false }), PAUSE);
  });
  row.area.addEventListener("change", () => send(row, { blank: true }));
  row.up.addEventListener("click", () => move(row, "up"));
  row.down.addEventListener("click", () => move(row, "down"));
  row.node.addEventListener("keydown", (event) => {
    const step = { ArrowUp: "up", ArrowDown: "down" }[event.key];
    if (!step || !event.altKey) return;
    event.preventDefault();
    move(row, step);
  });
  row.area.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    row.area.value = row.text;
    row.area.blur();
  });
  row.mute.addEventListener("change", () => {
    row.wish = { muted: row.mute.checked, until: Date.now() + PATIENCE };
    ask("mute", { id, person: row.person, muted: row.mute.checked });
  });
  row.remove.addEventListener("click", () => {
    refocus = [...body.children].indexOf(row.node);
    ask("delete", { id, person: row.person });
  });
  return row;
};

const drawRow = (row, told, even, last) => {
  row.number.textContent = told.number;
  // What somebody is typing, or what was refused, stays as long as the item itself has not changed.
  if (told.text !== row.text) {
    if (document.activeElement !== row.area || row.area.value === row.text) row.area.value = told.text;
    row.sent = told.text;
    row.text = told.text;
  }
  row.node.classList.toggle("pd-unsaved", row.sent !== told.text);
  row.area.setAttribute("aria-label", `${said.heading} ${told.number}`);
  row.date.textContent = told.date;
  put(row.label, told.label);
  put(row.given, told.given);
  row.given.title = told.given;
  // What was asked for before the tick, weights for an input say, knows nothing of it and does not take it back.
  if (row.wish && (told.muted === row.wish.muted || Date.now() > row.wish.until)) row.wish = null;
  row.mute.checked = row.wish ? row.wish.muted : told.muted;
  row.mute.setAttribute("aria-label", `Mute ${said.one} ${told.number}`);
  row.remove.setAttribute("aria-label", `Delete ${said.one} ${told.number}`);
  row.up.setAttribute("aria-label", `Move ${said.one} ${told.number} up`);
  row.down.setAttribute("aria-label", `Move ${said.one} ${told.number} down`);
  row.up.disabled = told.number === 1;
  row.down.disabled = last;
  row.bar.style.width = `${100 * told.bar}%`;
  row.even.style.left = `${100 * (even ?? 0)}%`;
  row.even.hidden = even === null;
  row.share.textContent = told.share;
  row.node.classList.toggle("pd-muted", told.muted);
};

const draw = () => {
  const view = props.value;
  find(".pd-name").textContent = view.name;
  put(find(".pd-about"), view.about);
  put(find(".pd-empty"), view.empty);
  put(find(".pd-elsewhere"), "");
  find("table").hidden = view.rows.length === 0;
  find(".pd-summary").textContent = view.summary && `${view.summary}.`;
  put(find(".pd-place"), view.place);
  find(".pd-caveat").hidden = !view.weighed;
  find(".pd-order").hidden = view.rows.length < 2;
  find("[data-do=undo]").disabled = !view.undo;
  find("[data-do=redo]").disabled = !view.redo;
  find("[data-do=reset]").disabled = !view.reset;
  find("[data-do=save]").disabled = view.rows.length === 0;

  const kept = new Set(view.rows.map((told) => told.id));
  for (const [id, row] of rows) {
    if (kept.has(id) && view.person === draw.person) continue;
    clearTimeout(row.timer);
    row.node.remove();
    rows.delete(id);
  }
  draw.person = view.person;
  view.rows.forEach((told, place) => {
    if (!rows.has(told.id)) rows.set(told.id, newRow(told.id));
    const row = rows.get(told.id);
    drawRow(row, told, view.even, place === view.rows.length - 1);
    if (body.children[place] !== row.node) body.insertBefore(row.node, body.children[place] || null);
  });
  if (view.took === "*") draft.value = "";
  if (view.took && view.took === added?.key) {
    // What was typed since it was sent is the next draft.
    if (draft.value.startsWith(added.text)) draft.value = draft.value.slice(added.text.length).trimStart();
    added = null;
  }
  if (refocus !== null && !document.activeElement?.closest?.(".pd-history")) {
    const next = body.children[Math.min(refocus, body.children.length - 1)];
    (next ? next.querySelector(".pd-remove") : draft).focus();
  }
  refocus = null;
  if (moved && moved.row.number.textContent !== moved.number) {
    // A row that is put elsewhere loses the focus, and a button at the end of its way takes none.
    const { row, at, from } = moved;
    const next = at.disabled ? (at === row.up ? row.down : row.up) : at;
    const free = document.activeElement === document.body || row.node.contains(document.activeElement);
    if (free && row.node.contains(next)) next.focus();
    if (free && from) row.area.setSelectionRange(...from);
    moved = null;
  }
  if (waiting !== null) next();
};

const add = () => {
  // An impatient second press is not a second post.
  if (added?.text === draft.value && Date.now() - added.at < PATIENCE) return;
  added = { text: draft.value, at: Date.now(), key: `${Date.now()}` };
  ask("add_posts", { text: added.text, person: props.value.person, key: added.key });
};
const verbs = {
  add,
  undo: () => ask("undo", { person: props.value.person }),
  redo: () => ask("redo", { person: props.value.person }),
  reset: () => ask("reset", { person: props.value.person }),
  save: () => ask("save", {}),
  open: () => file.click(),
};
for (const [verb, act] of Object.entries(verbs)) find(`[data-do=${verb}]`).addEventListener("click", act);

draft.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) add();
});

sendChosen(file, LARGEST);

// A history of twenty items is a hundred presses of Tab: whoever uses no mouse may go past it.
for (const link of element.querySelectorAll(".pd-skip a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const place = document.querySelector(link.hash);
    place.tabIndex = -1;
    place.focus();
  });
}

// Elsewhere on the page somebody points at an item: show which one that is. What was measured earlier may be
// about somebody else, whose items may have the same ids.
const point = ({ detail: { id, person } }) => {
  if (!element.isConnected) return window.removeEventListener("pd-post", point);
  const row = person === props.value.person ? rows.get(id) : undefined;
  put(find(".pd-elsewhere"), row ? "" : said.gone);
  for (const other of rows.values()) other.node.classList.toggle("pd-pointed", other === row);
  if (!row) return find(".pd-elsewhere").scrollIntoView({ block: "center" });
  row.node.scrollIntoView({ block: "center" });
  row.area.focus({ preventScroll: true });
};
window.addEventListener("pd-post", point);

// What somebody wrote is kept by this page alone, so the browser asks before it goes.
const leaving = (event) => {
  if (!element.isConnected) return window.removeEventListener("beforeunload", leaving);
  if (props.value.reset || window.personaDemoOthers || draft.value.trim()) event.preventDefault();
};
window.addEventListener("beforeunload", leaving);

watch("value", draw);
draw();
