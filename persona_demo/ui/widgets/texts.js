// Texts side by side: all there are, or those of the one group that is chosen.
const grid = element.querySelector(".pd-grid");
const which = element.querySelector(".pd-which");
const select = which.querySelector("select");
let offered = "";

// Words that the other text lacks are marked; all of them are text nodes.
const fresh = (text, pieces) => {
  const node = make("span", { class: "pd-new" }, pieces.length ? "" : text);
  node.append(...pieces.map((piece) => (piece.differs ? make("mark", {}, piece.text) : piece.text)));
  return node;
};

const cardOf = ({ title, why, opening, text, pieces, warning, colour, note }) => {
  const node = make("article", { class: "pd-card" });
  if (colour) node.style.setProperty("--pd-arm", colour);
  const words = make("p", { class: "pd-text" });
  words.append(make("span", { class: "pd-opening" }, opening), fresh(text, pieces));
  node.append(make("h3", {}, title));
  if (why) node.append(make("p", { class: "pd-why" }, why));
  node.append(words);
  if (warning) node.append(make("p", { class: "pd-warning" }, warning));
  if (note) node.append(make("p", { class: "pd-note" }, note));
  return node;
};

const offer = (choices) => {
  // Texts come many times a second: a list that is being looked through is left alone.
  if (JSON.stringify(choices) === offered) return;
  offered = JSON.stringify(choices);
  const kept = select.value;
  select.replaceChildren(...choices.map(({ text, group }) => make("option", { value: group }, text)));
  if (choices.some(({ group }) => group === kept)) select.value = kept;
};

const draw = () => {
  const { cards, running, choices } = props.value;
  which.hidden = !choices.length;
  offer(choices);
  const shown = choices.length ? cards.filter(({ groups }) => groups.includes(select.value)) : cards;
  grid.replaceChildren(...shown.map(cardOf));
  grid.setAttribute("aria-busy", String(running));
};

select.addEventListener("change", draw);
watch("value", draw);
draw();
