// One text, token by token; the one that is chosen shows what else might have stood there.
const FULL = 3; // nats of change at which the colour is full
const run = element.querySelector(".pd-run");
const shown = element.querySelector(".pd-alternatives");
let nodes = [];

const percent = (logProbability) => {
  const share = 100 * Math.exp(logProbability);
  return share >= 10 ? `${share.toFixed(0)}%` : share >= 0.1 ? `${share.toFixed(1)}%` : "under 0.1%";
};

// A piece that goes on a word is shown as one.
const plain = (text) => {
  const shown = text.replaceAll("\n", "↵");
  return shown.startsWith(" ") ? shown.trim() || "(blank)" : /^\p{L}/u.test(shown) ? `…${shown}` : shown;
};

// Beyond strengths 0 to 1 the list keeps to what could be written, and the token itself is measured without that.
const side = (title, top, own, limited, barred) => {
  const box = make("div");
  const list = make("ol");
  for (const each of top) {
    const entry = make("li");
    entry.append(make("code", {}, each.ends ? "(the text ends)" : plain(each.text)), make("span", {}, percent(each.log)));
    entry.classList.toggle("pd-chosen", each.chosen);
    list.append(entry);
  }
  box.append(make("h4", {}, title), make("p", {}, `This token${limited ? ", without the limit" : ""}: ${percent(own)}${barred ? "; it could not be written here" : ""}`), list);
  return box;
};

const choose = (at, focus) => {
  const { tokens, left, right, left_limited, right_limited } = props.value;
  nodes.forEach((node, each) => {
    node.setAttribute("aria-selected", String(each === at));
    node.tabIndex = each === at ? 0 : -1;
  });
  if (focus) nodes[at].focus();
  const token = tokens[at];
  const word = plain(token.text);
  const change = token.right - token.left;
  const said = Math.abs(change) < 0.005 ? "as likely under both"
    : `${Math.exp(Math.abs(change)).toFixed(1)} times as ${change > 0 ? "likely" : "unlikely"} under “${right}” (${change > 0 ? "+" : ""}${change.toFixed(2)} nats)`;
  const pair = make("div", { class: "pd-pair" });
  pair.append(
    side(left, token.left_top, token.left, left_limited, token.left_barred),
    side(right, token.right_top, token.right, right_limited, token.right_barred),
  );
  shown.replaceChildren(make("p", {}, `Token ${at + 1}, “${word}”: ${said}. What each would have put there:`), pair);
};

const draw = () => {
  const { legend, tokens } = props.value;
  element.querySelector(".pd-tokens").hidden = !tokens.length;
  element.querySelector(".pd-legend").textContent = legend;
  shown.replaceChildren();
  nodes = tokens.map((token, at) => {
    const change = token.right - token.left;
    const node = make("span", { role: "option", "aria-selected": "false", tabindex: at ? "-1" : "0" }, token.text);
    const share = Math.min(Math.abs(change) / FULL, 1); // of the strongest tint that ink can be read on
    node.dataset.side = Math.abs(change) < 0.1 ? "" : change > 0 ? "more" : "less";
    node.style.setProperty("--pd-share", share.toFixed(2));
    node.setAttribute("aria-label", `${token.text.trim() || "blank"}, ${change > 0 ? "+" : ""}${change.toFixed(2)}`);
    node.addEventListener("click", () => choose(at, true));
    return node;
  });
  run.replaceChildren(...nodes);
};

run.addEventListener("keydown", (event) => {
  const at = nodes.indexOf(document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: nodes.length - 1, Enter: at, " ": at }[event.key];
  if (at < 0 || to === undefined || !nodes[to]) return;
  event.preventDefault();
  choose(to, true);
});

// The table beside it points at a token.
const point = ({ detail: { id } }) => {
  if (!element.isConnected) return window.removeEventListener("pd-token", point);
  if (nodes[id]) choose(Number(id), true);
};
window.addEventListener("pd-token", point);

watch("value", draw);
draw();
