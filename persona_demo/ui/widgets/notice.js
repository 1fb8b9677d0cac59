const strip = element.querySelector(".pd-notice");
const words = strip.querySelector("p");

strip.querySelector("button").addEventListener("click", () => { strip.hidden = true; });

const draw = () => {
  const { text, kind } = props.value;
  strip.dataset.kind = kind;
  put(words, text);
  strip.hidden = !text;
};

watch("value", draw);
draw();
