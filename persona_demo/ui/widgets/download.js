watch("value", () => {
  const { name, text } = props.value;
  if (text) handOver(name, text, "application/json");
});
