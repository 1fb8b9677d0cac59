// What is marked on the map of people beside its points: colours, regions, a line, and all of it in words.
// Part of the same function as persona_map.js, whose names it uses.

// Colours of the population, one for each where there are groups.
const shade = (group) => paint[`${tint.ordered ? "step" : "hue"}-${group}`];

// Labels of regions, but where somebody's name stands, and the line between two people.
function regions({ people, you }) {
  const pixel = camera(view(), size());
  const named = [...people, ...(you ? [you] : [])].map(({ at }) => pixel(at));
  const free = ({ at }) => {
    const [x, y] = pixel(at);
    return !named.some((spot) => Math.abs(spot[0] - x) < 75 && Math.abs(spot[1] - y) < 22);
  };
  return props.regions.filter(free).map(({ label, at }) => ({
    x: at[0], y: at[1], text: plain(label).replaceAll(", ", ",<br>"), showarrow: false, captureevents: false,
    bgcolor: tint ? paint.panel : "rgba(0,0,0,0)", borderpad: 1, opacity: tint ? 0.8 : 0.92,
    font: { family: "var(--pd-serif), serif", size: 11.5, style: "italic", color: paint["ink-soft"],
      shadow: Array(4).fill(`0 0 4px ${paint.panel}`).join(", ") },
  }));
}
// Where somebody stands who is mixed from others.
function mixture({ mixed }) {
  if (!mixed) return [];
  return [{
    x: mixed[0], y: mixed[1], text: "◆ mixture", showarrow: false, captureevents: false, xanchor: "left", xshift: -6,
    bgcolor: paint.panel, borderpad: 2, opacity: 0.95, font: { family: paint.font, size: 13, color: paint.focus },
  }];
}
function line({ line: places = [] }) {
  return places.slice(1).map((to, at) => ({
    type: "line", x0: places[at][0], y0: places[at][1], x1: to[0], y1: to[1],
    line: { color: paint.focus, width: 2, dash: "2px,3px" },
  }));
}

// The legend: what the colours mean, in words and numbers.
function key() {
  part("tint").hidden = !tint;
  if (!tint) return;
  part("tint-title").textContent = tint.title;
  part("tint-list").replaceChildren(...tint.groups.map(({ label, count }, at) => {
    const entry = document.createElement("li");
    const dot = document.createElement("i");
    dot.style.background = `var(--pd-${tint.ordered ? "step" : "hue"}-${at})`;
    entry.append(dot, `${label} (${count})`);
    return entry;
  }));
}

// What the points are called, on a map of people or of what they wrote.
function nameParts() {
  const said = posts
    ? ["", `${many} of the nearest people`, `this person's ${many}`, `${many} of people it learned from`]
    : ["you are here, and were", "nearest", "sample people", "people it learned from"];
  [...part("key").children].forEach((entry, at) => {
    entry.lastChild.textContent = said[at];
    entry.hidden = !said[at];
  });
  if (posts) {
    plot.setAttribute("aria-label", `Map of ${many}. The list below it holds those of this person and of who is near.`);
    part("people").firstElementChild.textContent = `This person's ${many} and those of the nearest, as a list`;
  }
}
