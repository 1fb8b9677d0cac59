// A table of words, numbers and bars. A row with an id has a button that goes there: to a post in the
// history above, to a token of the text beside it, or to whatever the server makes of "select".
const find = (selector) => element.querySelector(selector);

const barOf = (share, signed) => {
  const track = make("div", { class: signed ? "pd-bar pd-signed" : "pd-bar", "aria-hidden": "true" });
  const fill = make("b");
  const size = 100 * Math.min(Math.abs(share), 1);
  if (signed) {
    fill.classList.toggle("pd-less", share < 0);
    fill.style.width = `${size / 2}%`;
    fill.style.marginLeft = share < 0 ? `${50 - size / 2}%` : "50%";
    track.append(make("i"));
  } else fill.style.width = `${size}%`;
  track.prepend(fill);
  return track;
};

const go = (id) => {
  if (props.go === "select") trigger("select", { id });
  else window.dispatchEvent(new CustomEvent(`pd-${props.go}`, { detail: { id, person: props.value.person } }));
};

const cellOf = (cell, head, row, first) => {
  // Roles are said: cells that a narrow page puts below each other would lose theirs, and show their column's name.
  const node = first ? make("th", { scope: "row", role: "rowheader" }) : make("td", { role: "cell", "data-head": head.text });
  node.classList.add(`pd-as-${head.kind}`);
  const words = make("span", {}, cell.text);
  if (first && row.id && props.go) {
    const button = make("button", { type: "button", title: props.goes || "" }, cell.text);
    button.addEventListener("click", () => go(row.id));
    node.append(button);
  } else if (cell.bar !== undefined && cell.bar !== null) {
    const pair = make("div", { class: "pd-barred" });
    pair.append(words, barOf(cell.bar, head.kind === "signed"));
    node.append(pair);
  } else node.append(words);
  return node;
};

// Words that a spreadsheet would run as a formula stay words.
const field = (text) => {
  const formula = /^[=+@\t\r-]/.test(text) && !/^[+-]?[0-9.,]+%?$/.test(text);
  return `"${`${formula ? "'" : ""}${text}`.replaceAll('"', '""')}"`;
};
find(".pd-table-save button").addEventListener("click", () => {
  const { caption, heads, rows } = props.value;
  const lines = [heads.map((head) => head.text), ...rows.map((row) => row.cells.map((cell) => cell.text))];
  const name = caption.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 48).replace(/^-|-$/g, "") || "table";
  // The mark at the start tells a spreadsheet that it is UTF-8.
  handOver(`${name}.csv`, `\ufeff${lines.map((line) => line.map(field).join(",")).join("\r\n")}\r\n`, "text/csv");
});

const draw = () => {
  const { caption, heads, rows, empty } = props.value;
  put(find("figcaption"), caption);
  put(find(".pd-table-empty"), rows.length ? "" : empty);
  find(".pd-scroll").hidden = find(".pd-table-save").hidden = !rows.length;
  find(".pd-scroll").setAttribute("aria-label", caption || "Table");
  // Sentences in narrow columns would run on for pages, and out of sight.
  find(".pd-table").classList.toggle("pd-prose", heads.some((head, at) => at && head.kind === "text"));
  find("thead tr").replaceChildren(
    ...heads.map((head) => make("th", { scope: "col", role: "columnheader", class: `pd-as-${head.kind}` }, head.text)),
  );
  const drawn = rows.map((row) => {
    const node = make("tr", { role: "row" });
    node.classList.toggle("pd-marked", Boolean(row.mark));
    node.classList.toggle("pd-dim", Boolean(row.dim));
    node.append(...row.cells.map((cell, at) => cellOf(cell, heads[at], row, at === 0)));
    return node;
  });
  find("tbody").replaceChildren(...drawn);
};

watch("value", draw);
draw();
