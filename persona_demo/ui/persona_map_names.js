// What is written on the map where there is room: names beside their dots, and labels on regions. Part of the
// same function as persona_map.js, whose names it uses.

const SIDES = [
  "middle right", "middle left", "top center", "bottom center",
  "top right", "bottom right", "top left", "bottom left",
];
const LABEL = 11.5; // pixels, of the letters of a region's label
const LINE = 15;
const BUTTONS = 44; // pixels at the foot of the map that its buttons stand in
const STEPS = [0, -1, 1, -2, 2]; // lines that a label may give way by

// The side of its dot that each name goes to, and the box it fills there: the first on which it covers neither a dot nor a name
// placed before it, nor if possible anything of the crowd. Null where there is no room.
function sides(names, crowd, [width, height]) {
  const inside = (box) => box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height;
  const others = crowd.map((at) => around(at, 4));
  const taken = names.map(({ at, reach }) => around(at, reach));
  return names.map(({ at: [x, y], reach, length }) => {
    const free = SIDES.map((side) => {
      const [up, across] = side.split(" ");
      const left = x + { left: -reach - length, center: -length / 2, right: reach + 1 }[across];
      const top = y + { top: -reach - 16, middle: -8, bottom: reach }[up];
      return { side, box: [left, top, left + length, top + 16] };
    }).filter(({ box }) => inside(box) && clear(box, taken));
    const best = free.find(({ box }) => clear(box, others)) ?? free[0];
    if (best) taken.push(best.box);
    return best ?? null;
  });
}

function labels(value) {
  const { people, you } = value;
  const pixel = camera(view(), size());
  pen.font = `600 13.5px ${paint.font}`;
  const width = (name) => pen.measureText(shorten(name)).width;
  const names = people.map(({ name, at }) => ({ at: pixel(at), reach: 5, length: width(name) }));
  if (you) names.unshift({ at: pixel(you.at), reach: 9, length: width(you.name) });
  const found = sides(names, nearest(value).map((id) => pixel(place(value, id))), size());
  const boxes = [...names.map(({ at, reach }) => around(at, reach)), ...found.filter(Boolean).map(({ box }) => box)];
  const yours = you && found.shift();
  // Whoever is edited but has not moved yet would stand there twice.
  const twice = ({ name, at }) => name === you?.name && String(at) === String(you?.at);
  return {
    you: yours?.side ?? SIDES[0],
    texts: people.map((person, index) => (found[index] && !twice(person) ? plain(shorten(person.name)) : BLANK)),
    sides: found.map((free) => free?.side ?? SIDES[0]),
    boxes,
  };
}

// Labels of the regions in sight, the largest first, where they cover no name, no mark and no other label. A view
// that lies inside a region whose middle is out of sight has that region's label at its edge.
function regions(value, names) {
  const [width, height] = size();
  const pixel = camera(view(), size());
  const unpixel = uncamera(view(), size());
  const spots = props.regions.map(({ at }) => pixel(at));
  const here = nearestTo([width / 2, height / 2], spots, Infinity);
  const taken = [...names, ...markBoxes(value)];
  pen.font = `italic ${LABEL}px ${paint.serif}`;
  return props.regions.flatMap(({ label }, index) => {
    const [x, y] = spots[index];
    if (index !== here && !(x >= 0 && x <= width && y >= 0 && y <= height)) return [];
    const lines = label.split(", ");
    const across = Math.max(...lines.map((words) => pen.measureText(words).width)) / 2 + 3;
    const up = (LINE * lines.length) / 2 + 1;
    const boxes = STEPS.map((step) =>
      around([within(x, across, width - across), within(y + step * LINE, up, height - BUTTONS - up)], across, up),
    );
    const box = boxes.find((each) => clear(each, taken));
    if (!box) return [];
    taken.push(box);
    const at = unpixel([box[0] + across, box[1] + up]);
    return [{
      x: at[0], y: at[1], text: lines.map(plain).join(",<br>"), showarrow: false, captureevents: false,
      bgcolor: tint ? paint.panel : "rgba(0,0,0,0)", borderpad: 1, opacity: tint ? 0.8 : 0.92,
      font: { family: paint.serif, size: LABEL, style: "italic", color: paint["ink-soft"],
        shadow: Array(4).fill(`0 0 4px ${paint.panel}`).join(", ") },
    }];
  });
}
