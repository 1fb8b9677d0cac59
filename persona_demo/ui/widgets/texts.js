// Texts side by side, as many as there are.
const grid = element.querySelector(".pd-grid");

const cardOf = ({ title, why, opening, text, warning, colour, note }) => {
  const node = make("article", { class: "pd-card" });
  if (colour) node.style.setProperty("--pd-arm", colour);
  const words = make("p", { class: "pd-text" });
  words.append(make("span", { class: "pd-opening" }, opening), make("span", { class: "pd-new" }, text));
  node.append(make("h3", {}, title));
  if (why) node.append(make("p", { class: "pd-why" }, why));
  node.append(words);
  if (warning) node.append(make("p", { class: "pd-warning" }, warning));
  if (note) node.append(make("p", { class: "pd-note" }, note));
  return node;
};

const draw = () => {
  grid.replaceChildren(...props.value.cards.map(cardOf));
  grid.setAttribute("aria-busy", String(props.value.running));
};

watch("value", draw);
draw();
