// Lines over a scale, drawn as SVG for the width there is. Texts are text nodes; the table beside it
// says the same in numbers.
const HEIGHT = 230;
const EDGE = { left: 54, right: 16, top: 12, bottom: 42 };
const frame = element.querySelector(".pd-chart-frame");

const svg = (tag, attributes, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
};

// Round steps, about four of them.
const steps = (low, high) => {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((by) => by * power).find((by) => by >= rough) ?? rough;
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(at);
  return found;
};
const rounded = (value) => String(Number(value.toPrecision(3)));

const draw = () => {
  const { title, x, y, ticks, series, marks } = props.value;
  const points = series.flatMap((line) => line.points);
  element.querySelector(".pd-chart").hidden = points.length === 0;
  put(element.querySelector("figcaption"), title);
  element.querySelector(".pd-chart-key").replaceChildren(...series.map((line) => {
    const entry = make("li", {}, line.name);
    entry.style.setProperty("--pd-key", line.colour);
    entry.classList.toggle("pd-dashed", Boolean(line.dash));
    return entry;
  }));
  const width = frame.clientWidth;
  if (!points.length || !width) return frame.replaceChildren();
  const range = (axis) => [Math.min(...points.map((at) => at[axis])), Math.max(...points.map((at) => at[axis]))];
  const [left, right] = ticks ? [ticks[0].at, ticks.at(-1).at] : range(0);
  const [least, most] = range(1);
  const air = 0.08 * (most - least) || 0.5;
  const [low, high] = [least - air, most + air];
  const over = (at) => EDGE.left + ((at - left) / (right - left || 1)) * (width - EDGE.left - EDGE.right);
  const up = (at) => HEIGHT - EDGE.bottom - ((at - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const picture = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title });
  for (const at of steps(low, high)) {
    picture.append(
      svg("line", { x1: EDGE.left, x2: width - EDGE.right, y1: up(at), y2: up(at), class: "pd-grid-line" }),
      svg("text", { x: EDGE.left - 8, y: up(at) + 4, "text-anchor": "end" }, rounded(at)),
    );
  }
  for (const { at, text } of ticks ?? steps(left, right).map((each) => ({ at: each, text: rounded(each) }))) {
    picture.append(svg("text", { x: over(at), y: HEIGHT - EDGE.bottom + 18, "text-anchor": "middle" }, text));
  }
  for (const { at, text } of marks ?? []) {
    const end = over(at) > width - 110;
    picture.append(
      svg("line", { x1: over(at), x2: over(at), y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "pd-mark-line" }),
      svg("text", { x: over(at) + (end ? -5 : 5), y: EDGE.top + 10, "text-anchor": end ? "end" : "start" }, text),
    );
  }
  picture.append(
    svg("text", { x: (width + EDGE.left) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x),
    svg("text", { x: 0, y: 0, transform: `translate(12 ${HEIGHT / 2}) rotate(-90)`, "text-anchor": "middle" }, y),
  );
  for (const line of series) {
    const places = line.points.map(([a, b]) => `${over(a)},${up(b)}`);
    const path = svg("polyline", { points: places.join(" "), fill: "none", "stroke-width": 2 });
    path.style.stroke = line.colour;
    if (line.dash) path.setAttribute("stroke-dasharray", "5 4");
    picture.append(path);
    for (const [a, b] of line.points.length < 14 ? line.points : []) {
      const dot = svg("circle", { cx: over(a), cy: up(b), r: 3 });
      dot.style.fill = line.colour;
      picture.append(dot);
    }
  }
  frame.replaceChildren(picture);
};

watch("value", draw);
draw();
let fitted = frame.clientWidth;
new ResizeObserver(() => {
  if (frame.clientWidth === fitted) return;
  fitted = frame.clientWidth;
  draw();
}).observe(frame);
