// Geometry of the map: its bounds, the ground people stand on, the camera, what meets what. Knows
// numbers only; read before persona_map.js, in the same function.

const GRID = 72; // cells a side of the ground

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

// From pixels to coordinates.
function uncamera(ranges, size) {
  const [across, up] = ranges.map(([low, high]) => (low + high) / 2);
  const zoom = zoomOf(ranges, size);
  return ([x, y]) => [across + (x - size[0] / 2) / zoom, up - (y - size[1] / 2) / zoom];
}

// Boxes [left, top, right, bottom] in pixels.
const around = ([x, y], across, up = across) => [x - across, y - up, x + across, y + up];
const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const clear = (box, others) => !others.some((other) => meet(box, other));
const within = (value, low, high) => Math.min(Math.max(value, low), high);

// Index of the pixel nearest to a spot, or -1 if none is within reach.
function nearestTo([x, y], pixels, reach) {
  const gaps = pixels.map((pixel) => Math.hypot(pixel[0] - x, pixel[1] - y));
  const least = Math.min(...gaps);
  return least < reach ? gaps.indexOf(least) : -1;
}
