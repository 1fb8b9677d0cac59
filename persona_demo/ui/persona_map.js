// Draws the map of people. Gradio calls this text once per component, as the body of a function of
// (element, trigger, props, watch). The population is in props; props.value is what moves.
//
// A name is whatever somebody typed. It reaches the page through textContent, or through plain()
// where Plotly, which reads a subset of HTML, is to show it.

const GLIDE = 800; // milliseconds the edited person takes to a new place
const BLANK = " "; // Plotly forgets a text for good once it has been empty

const part = (name) => element.querySelector(`.pd-map-${name}`);
const plot = part("plot");
const pen = document.createElement("canvas").getContext("2d");
const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
const touch = window.matchMedia("(pointer: coarse)");

const shorten = (text) => ([...text].length > 26 ? `${[...text].slice(0, 25).join("")}…` : text);
const plain = (text) =>
  text.replace(/\s+/g, " ").replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

const posts = props.kind === "posts"; // or single titles, reviews, whatever people wrote
const [another, many] = props.nouns;
const numbered = (id) => {
  if (posts) return `${id} · ${another} of ${id.split(".")[0]}`;
  const at = row.get(id);
  const count = everybody.counts[at];
  const wrote = count === 1 ? another : `${count} ${many}`;
  return [id, wrote, everybody.phrases[everybody.striking[at]]].filter(Boolean).join(" · ");
};
const everybody = JSON.parse(props.population);
const row = new Map(everybody.ids.map((id, index) => [id, index]));
const home = bounds(everybody.at);
const ground = density(everybody.at, home);

let Plotly = null;
let heard = false; // whether Plotly's events are listened to
let drawn = null; // the value on screen
let closer = null; // what is seen [across, up], where that is not the whole map
let tint = null; // colours of the population, kept until others are sent
let alone = false; // whether only those near are shown
let paint = {};
let step = Promise.resolve(); // a drawing waits for the one before it

const view = () => closer ?? home;
const size = () => [plot.offsetWidth, plot.offsetHeight];
const nearest = (value) => value.neighbours.filter((id) => row.has(id) && id !== value.selected);

function place(value, id) {
  if (row.has(id)) return everybody.at[row.get(id)];
  return value.people.find((person) => person.id === id)?.at;
}

function colours() {
  const style = window.getComputedStyle(plot);
  const names = ["panel", "line", "edge", "ink", "ink-soft", "dot", "contour", "named", "focus", "arm-persona"];
  for (let at = 0; at < 10; at += 1) names.push(`hue-${at}`, ...(at < 5 ? [`step-${at}`] : []));
  const found = names.map((name) => [name, style.getPropertyValue(`--pd-${name}`).trim() || "gray"]);
  const serif = style.getPropertyValue("--pd-serif").trim() || "serif";
  return { ...Object.fromEntries(found), font: style.fontFamily, serif };
}

function layers(value, names) {
  const { people, you } = value;
  const near = nearest(value);
  const ringed = [place(value, value.selected)].filter(Boolean);
  const path = you ? [...you.trail, you.at] : [];
  const persona = paint["arm-persona"];
  const label = { family: paint.font, size: 13, shadow: Array(3).fill(`0 0 3px ${paint.panel}`).join(", ") };
  const points = (places) => ({ type: "scatter", mode: "markers", x: column(places, 0), y: column(places, 1) });
  return [
    {
      ...points(near.map((id) => place(value, id))),
      marker: { size: posts ? 7 : 8, color: paint.panel, line: { width: 1.5, color: persona } },
    },
    {
      ...points([...ringed, ...ringed]),
      marker: {
        size: [20, 8], color: ["rgba(0,0,0,0)", paint.ink], opacity: 1,
        line: { width: 1.5, color: [paint.ink, paint.panel] },
      },
    },
    {
      ...points(path), mode: "lines+markers",
      line: { width: 1.25, color: persona, dash: "2px,3px" },
      marker: { size: 5, color: persona, opacity: path.map((_, at) => 0.25 + (0.6 * at) / path.length) },
    },
    {
      ...points(column(people, "at")), mode: "markers+text",
      text: names.texts, textposition: names.sides, textfont: { ...label, color: paint.ink },
      // A shape of their own: where the population is coloured, some colour is always close to theirs.
      marker: { symbol: "square", size: 9, color: paint.named, line: { width: 1.5, color: paint.panel } },
    },
    {
      ...points(you ? [you.at, you.at] : []), mode: "markers+text",
      text: [BLANK, you ? plain(shorten(you.name)) : BLANK], textposition: names.you,
      textfont: { ...label, size: 14, color: persona, weight: 600 },
      marker: { size: [30, 15], color: persona, opacity: [0.18, 1], line: { width: [0, 2], color: paint.panel } },
    },
  ];
}

function layout(value, names) {
  const [width, height] = size();
  const [across, up] = view();
  return {
    width, height, margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: false,
    // A finger on the whole map scrolls the page; once zoomed in, it moves the map.
    dragmode: touch.matches && !closer ? false : "pan",
    xaxis: { visible: false, range: [...across] },
    yaxis: { visible: false, range: [...up], scaleanchor: "x" },
    annotations: [...regions(value, names.boxes), ...marks(value)], shapes: line(value),
  };
}

async function draw(value) {
  if (!plot.offsetWidth) return; // in a folded tab; whoever watches the size comes back
  const before = drawn?.you?.at;
  const now = value.you?.at;
  drawn = value;
  paint = colours();
  paintGround(view());
  const names = labels(value);
  await Plotly.react(plot, layers(value, names), layout(value, names), {
    displayModeBar: false, scrollZoom: true, doubleClick: false, showTips: false, typesetMath: false,
  });
  // Plotly gives the frame its events with the first drawing, which may come later than the map: in a folded tab.
  if (!heard) {
    heard = true;
    plot.on("plotly_doubleclick", () => look(null));
    // While it is dragged or zoomed, Plotly moves what it has drawn; the ground goes along.
    plot.on("plotly_relayouting", (seen) => {
      const range = (axis) => [0, 1].map((end) => seen[`${axis}.range[${end}]`] ?? plot.layout[axis].range[end]);
      paintGround([range("xaxis"), range("yaxis")]);
    });
    plot.on("plotly_relayout", () => look([[...plot.layout.xaxis.range], [...plot.layout.yaxis.range]]));
  }
  if (!before || !now || String(before) === String(now) || stillness.matches) return;
  // The map is drawn as it will be, and the point put back to where it was, to glide from there.
  // (Plotly's own animation takes the ground away until the next full drawing.)
  const [from, to] = [before, now].map(camera(view(), size()));
  const moved = `translate(${from[0] - to[0]}px, ${from[1] - to[1]}px)`;
  const point = [...plot.querySelectorAll(".scatterlayer > .trace")].at(-1);
  point.animate([{ transform: moved }, { transform: "none" }], { duration: GLIDE, easing: "ease-in-out" });
}

function then(action) {
  step = step.then(() => Plotly && action()).catch(fail);
}

function look(ranges) {
  closer = ranges && zoomOf(ranges, size()) > 1.01 * zoomOf(home, size()) ? ranges : null;
  then(() => draw(drawn));
}

function tell(value) {
  if (part("message").textContent !== value.message) part("message").textContent = value.message;
  const focused = element.contains(document.activeElement) && document.activeElement.dataset.id;
  const entries = [
    ...value.people.map((person) => [person.id, person.name]),
    ...nearest(value).map((id) => [id, numbered(id)]),
  ];
  const buttons = entries.map(([id, text]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = id;
    button.textContent = text;
    button.setAttribute("aria-pressed", String(id === value.selected));
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  });
  part("list").replaceChildren(...buttons);
  if (value.tint) tint = value.tint.of ? value.tint : null;
  key(value);
  if (focused) buttons.find((entry) => entry.firstChild.dataset.id === focused)?.firstChild.focus();
}

function show() {
  tell(props.value);
  // Of several changes during one drawing only the last is drawn.
  then(() => drawn === props.value || draw(props.value));
}

function fail() {
  Plotly = null;
  part("figure").classList.add("pd-map-missing");
  part("state").textContent = "The map cannot be drawn in this browser; the list below does the same.";
  part("state").hidden = false;
  part("tools").hidden = true;
  part("people").open = true;
}

function library() {
  window.personaDemoPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = props.library;
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error("no Plotly")));
    script.onerror = reject;
    document.head.append(script);
  });
  return window.personaDemoPlotly;
}

async function start() {
  // Everybody is there at once; what moves follows with Plotly.
  paint = colours();
  paintGround(home);
  try {
    Plotly = await library();
    await draw(props.value);
  } catch {
    fail();
    return;
  }
  part("state").hidden = true;
  part("tools").hidden = false;
  part("verbs").hidden = !props.actions;
  let fitted = String(size());
  new ResizeObserver(() => {
    if (fitted === String(size())) return;
    fitted = String(size());
    then(() => draw(props.value));
  }).observe(plot);
}

// The frame takes the shape of the population, within reason, before anything is drawn.
const shape = Math.min(Math.max(extent(home[0]) / extent(home[1]), 1), 1.5);
part("frame").style.setProperty("--pd-map-shape", String(shape));

nameParts();
part("verbs").addEventListener("click", (event) => {
  const { verb } = event.target.closest("button")?.dataset ?? {};
  if (!verb) return;
  alone = verb === "isolate" && !alone;
  part("verbs").firstElementChild.setAttribute("aria-pressed", String(alone));
  if (verb === "clear") {
    closer = null;
    trigger("clear", {});
  }
  then(() => draw(drawn));
});

plot.addEventListener("pointermove", hint);
plot.addEventListener("pointerleave", () => hint(null));
plot.addEventListener("pointerdown", press);
part("list").addEventListener("click", (event) => {
  const id = event.target.closest("button")?.dataset.id;
  if (id) choose(id);
});
part("tools").addEventListener("click", (event) => {
  const by = Number(event.target.closest("button")?.dataset.zoom);
  if (by >= 0) look(by ? scaled(view(), by) : null);
});
// A plain wheel scrolls the page; with Ctrl, which is also what a pinch sends, it zooms.
const spare = (event) => event.ctrlKey || event.metaKey || event.stopPropagation();
plot.addEventListener("wheel", spare, { capture: true });

const repaint = new MutationObserver(() => {
  if (!element.isConnected) repaint.disconnect();
  else then(() => JSON.stringify(colours()) === JSON.stringify(paint) || draw(drawn));
});
for (const root of [document.documentElement, document.body]) {
  repaint.observe(root, { attributes: true, attributeFilter: ["class"] });
}

tell(props.value);
watch("value", show);
// Nearly five megabytes of script are asked for only when the map is about to be seen.
const sight = new IntersectionObserver(
  (seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    sight.disconnect();
    start();
  },
  { rootMargin: "200px" },
);
sight.observe(plot);
