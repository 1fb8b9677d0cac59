// Outlines what a step of the lesson is about and takes the reader there; Escape brings them back, and from there out.
const PATIENCE = 10000; // ms until what is being shown must be there
const said = element.querySelector("#pd-lesson-said");
const root = document.documentElement;
const panel = () => document.getElementById("pd-lesson");
let opened = false;
let step = 0;
let restore = () => {};

const there = (found) => new Promise((resolve) => {
  const since = Date.now();
  const look = () => {
    const node = found();
    if (node || Date.now() - since > PATIENCE) resolve(node);
    else requestAnimationFrame(look);
  };
  look();
});

// What has the focus must not lie under the panel.
const keepClear = () => {
  root.style.scrollPaddingBottom = opened && panel() ? `${panel().offsetHeight + 12}px` : "";
};

const leave = () => {
  restore();
  restore = () => {};
  for (const node of document.querySelectorAll(".pd-pointed-at")) node.classList.remove("pd-pointed-at");
};

const back = () => document.querySelector(`#pd-lesson-show-${step}`)?.focus({ preventScroll: true });

const point = (points, words) => {
  const nodes = points.map((id) => document.getElementById(id)).filter(Boolean);
  for (const node of nodes) node.classList.add("pd-pointed-at");
  const [first] = nodes;
  if (!first) return;
  const had = ["role", "aria-label", "tabindex"].map((name) => [name, first.getAttribute(name)]);
  for (const [name, value] of [["role", "group"], ["aria-label", words], ["tabindex", "-1"]]) first.setAttribute(name, value);
  const onKey = ({ key }) => key === "Escape" && back();
  for (const node of nodes) node.addEventListener("keydown", onKey);
  restore = () => {
    for (const [name, value] of had) value === null ? first.removeAttribute(name) : first.setAttribute(name, value);
    for (const node of nodes) node.removeEventListener("keydown", onKey);
  };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  first.focus({ preventScroll: true });
  first.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
};

const draw = async () => {
  const { opened: open, number, points, said: words } = props.value;
  const begins = open && !opened;
  const turns = open && number !== step;
  const ends = !open && opened;
  [opened, step] = [open, open ? number : 0];
  leave();
  said.textContent = words;
  if (begins || turns) {
    const found = await there(() => document.querySelector(`#pd-lesson-show-${number}`)?.offsetParent);
    // The reader has gone on meanwhile.
    if (!found || number !== step) return;
  }
  keepClear();
  if (begins) panel()?.addEventListener("keydown", ({ key }) => key === "Escape" && document.getElementById("pd-lesson-close").click());
  if (points.length) point(points, words);
  else if (begins || turns) back();
  else if (ends) document.querySelector("#pd-lesson-toggle")?.focus();
};

window.addEventListener("resize", keepClear);
watch("value", draw);
