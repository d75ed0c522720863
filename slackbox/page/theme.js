/* Runs before the first paint: a chosen theme must not flash in the other one. A classic script for that reason. */
(() => {
  const root = document.documentElement;
  const chosen = () => localStorage.getItem("slackbox-theme") || "system";
  const apply = () => { root.style.colorScheme = { light: "light", dark: "dark" }[chosen()] || "light dark"; };
  window.slackboxTheme = {
    chosen,
    choose(name) {
      localStorage.setItem("slackbox-theme", name);
      apply();
    },
  };
  apply();
})();
