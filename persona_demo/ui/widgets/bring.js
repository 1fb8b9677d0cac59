const LARGEST = 10_000_000; // bytes; the server refuses more as well
const file = element.querySelector("input");
element.querySelector("button").addEventListener("click", () => file.click());
sendChosen(file, LARGEST);
