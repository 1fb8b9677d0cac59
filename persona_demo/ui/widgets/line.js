const draw = () => {
  const { text, key } = props.value;
  // Texts stay, and are called old where they were written for something else than what is here now.
  const old = key && window.personaDemoKey && window.personaDemoKey !== key;
  put(element.querySelector(".pd-line"), old ? `${text} That was before your last change: press Write to renew.` : text);
};

const again = () => (element.isConnected ? draw() : window.removeEventListener("pd-key", again));
window.addEventListener("pd-key", again);
watch("value", draw);
draw();
