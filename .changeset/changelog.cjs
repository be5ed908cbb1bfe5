/** Writes a changeset into a package's changelog as its author wrote it: no hash of a commit, no list of our versions. */
module.exports = {
  getReleaseLine: async ({ summary }) => {
    const [first, ...rest] = summary.trim().split("\n");
    return `- ${[first, ...rest.map((line) => (line === "" ? "" : `  ${line}`))].join("\n")}`;
  },
  // All packages share one version, so that each update would be named in each changelog.
  getDependencyReleaseLine: async () => "",
};
