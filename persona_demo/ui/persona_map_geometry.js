// Geometry of the map: its bounds, the ground people stand on, the camera, where names go. Knows
// numbers only; read before persona_map.js, in the same function.

const GRID = 72; // cells a side of the ground
const SIDES = [
  "middle right", "middle left", "top center", "bottom center",
  "top right", "bottom right", "top left", "bottom left",
];

const column = (places, axis) => places.map((place) => place[axis]);
const extent = ([low, high]) => high - low;

// Ranges [across, up] that hold all places with some air around them.
function bounds(places) {
  return [0, 1].map((axis) => {
    const along = column(places, axis);
    const [low, high] = [Math.min(...along, 0), Math.max(...along, 0)];
    const air = 0.07 * (high - low) + 0.1;
    return [low - air, high + air];
  });
}

// The same ranges, nearer or farther by a factor.
function scaled(ranges, by) {
  return ranges.map(([low, high]) => [-1, 1].map((side) => (low + high + side * by * (high - low)) / 2));
}

// How thickly people stand, on a grid: counted, then blurred three times along and across.
function density(places, ranges) {
  const cell = (at, axis) => Math.floor(((at[axis] - ranges[axis][0]) / extent(ranges[axis])) * GRID);
  let cells = Array.from({ length: GRID }, () => Array(GRID).fill(0));
  for (const at of places) cells[cell(at, 1)][cell(at, 0)] += 1;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / 5;
  const blurred = (line) => line.map((_, at) => mean(line.slice(Math.max(at - 2, 0), at + 3)));
  const turned = (grid) => grid.map((_, at) => column(grid, at));
  for (let pass = 0; pass < 6; pass += 1) cells = turned(cells.map(blurred));
  // The root keeps thinly settled parts from drowning beside a crowd.
  const z = cells.map((line) => line.map(Math.sqrt));
  return { z, top: Math.max(...z.flat()) || 1 };
}

// Pixels a unit, as Plotly chooses them where both axes share one scale.
const zoomOf = ([across, up], [width, height]) => Math.min(width / extent(across), height / extent(up));

// From coordinates to pixels.
function camera(ranges, size) {
  const [across, up] = ranges.map(([low, high]) => (low + high) / 2);
  const zoom = zoomOf(ranges, size);
  return ([x, y]) => [size[0] / 2 + zoom * (x - across), size[1] / 2 - zoom * (y - up)];
}

// Index of the pixel nearest to a spot, or -1 if none is within reach.
function nearestTo([x, y], pixels, reach) {
  const gaps = pixels.map((pixel) => Math.hypot(pixel[0] - x, pixel[1] - y));
  const least = Math.min(...gaps);
  return least < reach ? gaps.indexOf(least) : -1;
}

// The side of its dot that each name goes to: the first on which it covers neither a dot nor a name
// placed before it, nor if possible anything of the crowd. Null where there is no room.
function sides(names, crowd, [width, height]) {
  const around = ([x, y], reach) => [x - reach, y - reach, x + reach, y + reach];
  const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  const clear = (box, others) => !others.some((other) => meet(box, other));
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
    return best?.side ?? null;
  });
}

