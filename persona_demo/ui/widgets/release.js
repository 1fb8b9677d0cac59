// A slider of Gradio is released by a pointer and by nothing else. A key that moved it lets it go as well: once, however
// long it was held, so that nothing is asked for on the way. So does leaving it.
let moved = null;
const heard = {
  input: ({ target }) => {
    if (target.matches?.("input[type=range]") && target.closest(props.ranges)) moved = target;
  },
  pointerup: () => {
    moved = null;
  },
  keyup: ({ target }) => {
    if (moved === target) target.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  },
};
heard.focusout = heard.keyup;
for (const [name, hear] of Object.entries(heard)) {
  const listen = (event) => (element.isConnected ? hear(event) : document.removeEventListener(name, listen));
  document.addEventListener(name, listen);
}
