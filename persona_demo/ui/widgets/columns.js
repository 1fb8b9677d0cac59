const cards = new Map();
const fold = (name) => {
  const node = make("details", { class: `pd-fold ${name}` });
  const summary = make("summary");
  const list = make("ol");
  node.append(summary, list);
  return { node, summary, list };
};
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
  const posts = fold("pd-posts");
  const copied = fold("pd-copied");
  node.append(head, make("p", { class: "pd-why" }, arm.why), text, warning, note, costs, posts.node, copied.node);
  element.querySelector(`[data-group=${["text", "both"].includes(arm.kind) ? "text" : "hero"}]`).append(node);
  cards.set(arm.name, { node, text, opening, fresh, warning, note, costs, posts, copied });
}

const drawCosts = (list, costs) => {
  const pairs = costs.map((cost) => {
    const pair = make("div");
    pair.append(make("dt", {}, cost.name), make("dd", {}, cost.value));
    return pair;
  });
  list.replaceChildren(...pairs);
};

const drawTexts = ({ node, summary, list }, texts, said) => {
  node.hidden = texts.length === 0;
  if (list.childElementCount === texts.length && list.dataset.key === JSON.stringify(texts)) return;
  list.dataset.key = JSON.stringify(texts);
  summary.textContent = said;
  list.replaceChildren(...texts.map((text) => make("li", {}, text)));
};

const given = (count) => (count === 1 ? `The ${one} it was given` : `The ${count} ${many} it was given`);

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
    const who = card ? card.who : running ? "" : "Press Write to fill this column.";
    put(parts.note, note || who);
    drawCosts(parts.costs, card ? card.costs : []);
    const { retrieved, copied } = card || { retrieved: [], copied: [] };
    drawTexts(parts.posts, retrieved, given(retrieved.length));
    drawTexts(parts.copied, copied, "Words copied among its vectors");
  }
  for (const group of element.querySelectorAll("[data-group]")) {
    group.parentElement.hidden = ![...group.children].some((node) => !node.hidden);
  }
};

watch("value", draw);
draw();
