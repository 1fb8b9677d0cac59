watch("value", () => {
  const { name, text } = props.value;
  if (text) offer(name, text, "application/json");
});
