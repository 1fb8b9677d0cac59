// Gradio hands answers out in a stream that it closes once nothing is under way. What is asked for in that very
// moment is answered into nothing, until something else is asked for: so a moment after the last, one more follows.
const PAUSE = 2000; // ms
let own = 0;
let timer;
const observer = new PerformanceObserver((list) => {
  if (!element.isConnected) return observer.disconnect();
  for (const { name } of list.getEntries()) {
    if (!name.includes("/queue/join")) continue;
    if (own) own -= 1;
    else {
      clearTimeout(timer);
      timer = setTimeout(() => {
        own += 1;
        trigger("nudge", {});
      }, PAUSE);
    }
  }
});
observer.observe({ type: "resource" });
