// The address is put together here, so that it is the one the visitor came by.
const box = element.querySelector(".pd-link");
const field = box.querySelector("input");
const said = box.querySelector("p");

const draw = async () => {
  const { query, base, left_out: missing } = props.value;
  box.hidden = !query;
  if (!query) return;
  field.value = `${base || window.location.origin + window.location.pathname}?${query}`;
  let copied = "Copied.";
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    copied = "Copy it from the field.";
    field.select();
  }
  said.textContent = `${copied} ${missing}`;
};

field.addEventListener("focus", () => field.select());
watch("value", draw);
