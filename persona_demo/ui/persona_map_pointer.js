// The pointer on the map: who is under it, what is said of them, and whom a press takes. Part of the same
// function as persona_map.js, whose names it uses.

// Who is under the pointer: first whoever is drawn on top, and of the many dots the nearest.
function under({ clientX, clientY }) {
  if (!drawn) return null;
  const { you, people } = drawn;
  const { left, top } = plot.getBoundingClientRect();
  const pixel = camera(view(), size());
  const closest = (places, reach) => nearestTo([clientX - left, clientY - top], places.map(pixel), reach);
  if (you && closest([you.at], 9) === 0) return { id: null, text: `${you.name} · you are here` };
  if (alone) return nearUnder(closest);
  const person = people[closest(column(people, "at"), touch.matches ? 16 : 8)];
  if (person) return { id: person.id, text: person.name };
  const id = everybody.ids[closest(everybody.at, touch.matches ? 12 : 9)];
  return id === undefined ? null : { id, text: numbered(id) };
}

function nearUnder(closest) {
  const near = [drawn.selected, ...nearest(drawn)].filter((id) => row.has(id));
  const id = near[closest(near.map((each) => place(drawn, each)), touch.matches ? 16 : 9)];
  return id === undefined ? null : { id, text: numbered(id) };
}

function hint(event) {
  const found = event && !event.buttons && event.pointerType !== "touch" ? under(event) : null;
  plot.classList.toggle("pd-map-over", Boolean(found?.id));
  part("hint").hidden = !found;
  if (!found) return;
  const { left, top, width } = plot.getBoundingClientRect();
  const [x, y] = [event.clientX - left, event.clientY - top];
  part("hint").textContent = found.text;
  part("hint").style.transform =
    `translate(${x}px, ${y}px) translate(${x > width / 2 ? "calc(-100% - 14px)" : "14px"}, -50%)`;
}

// An item of the person on the table is shown there; anybody else is taken instead.
function choose(id) {
  if (!id.startsWith("post:")) return trigger("select", { id });
  const [person, ...item] = id.slice(5).split("/");
  window.dispatchEvent(new CustomEvent("pd-post", { detail: { id: item.join("/"), person } }));
}

// A press that was no drag. Plotly covers the page while one is down, hence the window.
function press(down) {
  hint(null);
  const release = (up) => {
    window.removeEventListener("pointercancel", stop);
    const id = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) < 6 && under(up)?.id;
    if (id) choose(id);
  };
  const stop = () => window.removeEventListener("pointerup", release);
  window.addEventListener("pointerup", release, { once: true });
  window.addEventListener("pointercancel", stop, { once: true });
}
