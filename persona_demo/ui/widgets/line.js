const draw = () => {
  const { text, key } = props.value;
  // Texts stay, and are called old where they were written for something else than what is here now.
  const old = key && window.personaDemoKey && !window.personaDemoKey.startsWith(key);
  const said = props.old || "That was before your last change: press Write to renew.";
  put(element.querySelector(".pd-line"), old ? `${text} ${said}` : text);
};

const again = () => (element.isConnected ? draw() : window.removeEventListener("pd-key", again));
window.addEventListener("pd-key", again);
const tell = () => {
  // Two lines tell the measurements below which text is looked at, and which states are compared.
  const { looked, pins } = props.value;
  if (looked !== undefined) window.personaDemoText = looked;
  if (pins !== undefined) window.personaDemoPins = pins;
  if (looked !== undefined || pins !== undefined) window.dispatchEvent(new CustomEvent("pd-key"));
  else draw();
};
watch("value", tell);
tell();
