// The ground of the map: how thickly people stand, and a dot for everybody who has no name on it. Painted on
// a canvas under Plotly's drawing, because Plotly needs a node for each of thousands of dots. Part of the
// same function as persona_map.js, whose names it uses.

const HAZE = 0.95; // opacity where people stand most thickly

// The crowd as a small picture, one pixel a cell, that the canvas smooths when it is drawn large.
function hazeOf({ z, top }) {
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [z[0].length, z.length];
  const brush = picture.getContext("2d");
  brush.fillStyle = paint.contour;
  z.forEach((line, row) => line.forEach((value, cell) => {
    brush.globalAlpha = HAZE * (value / top);
    brush.fillRect(cell, z.length - 1 - row, 1, 1);
  }));
  return picture;
}

function dots(brush, places, size, colour) {
  brush.fillStyle = colour;
  brush.beginPath();
  for (const [x, y] of places) {
    brush.moveTo(x + size / 2, y);
    brush.arc(x, y, size / 2, 0, 2 * Math.PI);
  }
  brush.fill();
}

// Ranges [across, up] are what is seen of the map.
function paintGround(ranges) {
  const canvas = part("ground");
  const [width, height] = size();
  const fine = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [width * fine, height * fine];
  const brush = canvas.getContext("2d");
  brush.scale(fine, fine);
  const pixel = camera(ranges, [width, height]);
  const [left, bottom] = pixel(column(home, 0));
  const [right, top] = pixel(column(home, 1));
  brush.imageSmoothingQuality = "high";
  brush.drawImage(hazeOf(ground), left, top, right - left, bottom - top);
  const each = (width < 480 ? 3.2 : 4) + (tint ? 1.4 : 0);
  const places = everybody.at.map(pixel);
  brush.globalAlpha = alone ? 0.1 : tint ? 0.95 : 0.75;
  if (!tint) return dots(brush, places, each, paint.dot);
  tint.groups.forEach((_, group) => {
    dots(brush, places.filter((_, at) => Number(tint.of[at]) === group), each, shade(group));
  });
}
