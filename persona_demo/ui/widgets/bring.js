// The file comes with the event and touches no disk.
const LARGEST = 10_000_000; // bytes; the server refuses more as well
const file = element.querySelector("input");
element.querySelector("button").addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  const [chosen] = file.files;
  if (!chosen) return;
  const reader = new FileReader();
  reader.onload = () => trigger("upload", { name: chosen.name, data: String(reader.result).split(",")[1] || "" });
  reader.onerror = () => trigger("upload", { name: chosen.name, data: null });
  reader.readAsDataURL(chosen.slice(0, LARGEST + 1));
  file.value = "";
});
