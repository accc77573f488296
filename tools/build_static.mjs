// Builds what the pages need from the locked npm packages: the map script, the typeface, and the
// outlines of countries for nodes without a data folder. Run by `make build`.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { feature } from "topojson-client";

const web = "src/liptako/web";
const vendor = `${web}/static/web/vendor`;
await mkdir(vendor, { recursive: true });
await mkdir(`${web}/outlines`, { recursive: true });

await build({
  entryPoints: [`${web}/scripts/map.js`],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome90", "firefox88"],
  legalComments: "none",
  outfile: `${vendor}/map.js`,
});

const font = "node_modules/@fontsource-variable/noto-sans";
for (const subset of ["latin", "latin-ext"]) {
  await copyFile(`${font}/files/noto-sans-${subset}-wght-normal.woff2`, `${vendor}/noto-sans-${subset}-wght-normal.woff2`);
}
await copyFile(`${font}/LICENSE`, `${vendor}/noto-sans-LICENSE.txt`);
await copyFile("node_modules/ol/LICENSE.md", `${vendor}/ol-LICENSE.md`);

const atlas = JSON.parse(await readFile("node_modules/world-atlas/countries-50m.json", "utf8"));
for (const name of ["countries", "land"]) {
  const outlines = feature(atlas, atlas.objects[name]);
  await writeFile(`${web}/outlines/${name}.geojson`, JSON.stringify(outlines));
}
