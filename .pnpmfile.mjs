/** What a published manifest leaves out: nobody builds or tests a package that was installed. */
const hooks = {
  beforePacking({ devDependencies: _, scripts: __, ...manifest }) {
    return manifest;
  },
};

export { hooks };
