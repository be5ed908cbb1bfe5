import "@fontsource-variable/jetbrains-mono/wght.css";
import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme";
import { defineAsyncComponent } from "vue";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // Each is loaded with its page alone.
    app.component(
      "BenchPage",
      defineAsyncComponent(() => import("./BenchPage.vue")),
    );
    app.component(
      "PlayPage",
      defineAsyncComponent(() => import("./PlayPage.vue")),
    );
  },
} satisfies Theme;
