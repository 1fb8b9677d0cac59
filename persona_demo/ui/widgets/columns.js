const cards = new Map();
const { one, many } = props.said;
for (const group of ["hero", "text"]) element.querySelector(`#pd-${group}-title`).textContent = props.said[group];

for (const arm of props.arms) {
  const id = `pd-arm-${arm.name.replace(/[:+]/g, "-")}`;
  const node = make("article", { class: "pd-card", "data-arm": arm.name, "aria-labelledby": id });
  node.style.setProperty("--pd-arm", arm.colour);
  const head = make("header");
  head.append(make("h3", { id }, arm.title), make("code", {}, arm.name));
  const text = make("p", { class: "pd-text" });
  const opening = make("span", { class: "pd-opening" });
  const fresh = make("span", { class: "pd-new" });
  text.append(opening, fresh, make("i", { class: "pd-caret", "aria-hidden": "true" }));
  const note = make("p", { class: "pd-note" });
  const warning = make("p", { class: "pd-warning" });
  const costs = make("dl", { class: "pd-costs" });
  const posts = make("details", { class: "pd-posts" });
  const summary = make("summary");
  const list = make("ol");
  posts.append(summary, list);
  node.append(head, make("p", { class: "pd-why" }, arm.why), text, warning, note, costs, posts);
  element.querySelector(`[data-group=${["text", "both"].includes(arm.kind) ? "text" : "hero"}]`).append(node);
  cards.set(arm.name, { node, text, opening, fresh, warning, note, costs, posts, summary, list });
}

const drawCosts = (list, costs) => {
  const pairs = costs.map((cost) => {
    const pair = make("div");
    pair.append(make("dt", {}, cost.name), make("dd", {}, cost.value));
    return pair;
  });
  list.replaceChildren(...pairs);
};

const drawPosts = (parts, texts) => {
  parts.posts.hidden = texts.length === 0;
  if (parts.list.childElementCount === texts.length && parts.list.dataset.key === JSON.stringify(texts)) return;
  parts.list.dataset.key = JSON.stringify(texts);
  parts.summary.textContent = texts.length === 1 ? `The ${one} it was given` : `The ${texts.length} ${many} it was given`;
  parts.list.replaceChildren(...texts.map((text) => make("li", {}, text)));
};

const draw = () => {
  const { opening, cards: written, notes, shown, running } = props.value;
  for (const [name, parts] of cards) {
    const card = written[name];
    const note = notes[name] || "";
    parts.node.hidden = !shown.includes(name);
    put(parts.opening, card ? opening : "");
    put(parts.fresh, card ? card.text : "");
    parts.text.hidden = !card && !running;
    parts.node.classList.toggle("pd-writing", running && !(card && card.done) && !note);
    parts.node.setAttribute("aria-busy", String(running && !(card && card.done)));
    put(parts.warning, (card && card.warning) || "");
    put(parts.note, note || (card || running ? "" : "Press Write to fill this column."));
    drawCosts(parts.costs, card ? card.costs : []);
    drawPosts(parts, card ? card.retrieved : []);
  }
  for (const group of element.querySelectorAll("[data-group]")) {
    group.parentElement.hidden = ![...group.children].some((node) => !node.hidden);
  }
};

watch("value", draw);
draw();
