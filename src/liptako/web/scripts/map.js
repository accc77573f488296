// The map of incidents: base map from the node's own tiles, incidents from its own feed.
// Canvas 2D only. The table beside it shows the same incidents and is linked both ways.
import Feature from "ol/Feature.js";
import Map from "ol/Map.js";
import Overlay from "ol/Overlay.js";
import View from "ol/View.js";
import ScaleLine from "ol/control/ScaleLine.js";
import Zoom from "ol/control/Zoom.js";
import { isEmpty } from "ol/extent.js";
import GeoJSON from "ol/format/GeoJSON.js";
import MVT from "ol/format/MVT.js";
import Circle from "ol/geom/Circle.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorTileLayer from "ol/layer/VectorTile.js";
import { fromLonLat, getPointResolution, transformExtent } from "ol/proj.js";
import VectorSource from "ol/source/Vector.js";
import VectorTileSource from "ol/source/VectorTile.js";
import { Circle as CircleStyle, Fill, RegularShape, Stroke, Style, Text } from "ol/style.js";

const element = document.getElementById("map");
const note = document.getElementById("map-note");
const table = document.getElementById("map-table");
const language = document.documentElement.lang;
const regions = new Intl.DisplayNames(language, { type: "region" });
const say = (text) => { note.textContent = text; };
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function palette() {
  return {
    sea: token("--map-sea"), water: token("--map-water"), land: token("--map-land"), line: token("--map-line"),
    border: token("--map-border"), ink: token("--map-ink"), surface: token("--surface"),
    severity: [1, 2, 3, 4].map((n) => token(`--sev-${n}`)),
  };
}

function baseStyle(colours) {
  const water = new Fill({ color: colours.water });
  const styles = {
    land: new Style({ fill: new Fill({ color: colours.land }) }),
    admin0: new Style({ stroke: new Stroke({ color: colours.line, width: 0.8 }) }),
    boundary_lines: new Style({ stroke: new Stroke({ color: colours.border, width: 1.2 }) }),
    boundary_disputed: new Style({ stroke: new Stroke({ color: colours.border, width: 1.2, lineDash: [5, 4] }) }),
    admin1: new Style({ stroke: new Stroke({ color: colours.line, width: 0.6, lineDash: [3, 3] }) }),
    lakes: new Style({ fill: water }),
    rivers: new Style({ stroke: new Stroke({ color: colours.water, width: 1.2 }) }),
  };
  const halo = new Stroke({ color: colours.land, width: 3 });
  const ink = new Fill({ color: colours.ink });
  const dot = new CircleStyle({ radius: 1.8, fill: ink });
  return { shapes: (feature) => styles[feature.get("layer")], labels };

  function labels(feature, resolution) {
    const layer = feature.get("layer");
    if (layer === "countries") return resolution > 1000 ? country(feature) : undefined;
    if (layer !== "places") return undefined;
    const rank = feature.get("SCALERANK") ?? 10;
    const zoom = Math.log2(156543 / resolution);
    if (rank > zoom * 1.35 - 1) return undefined;
    const capital = String(feature.get("FEATURECLA") ?? "").startsWith("Admin-0 capital");
    return new Style({
      image: dot,
      text: new Text({
        text: feature.get("NAME_FR") || feature.get("NAME"),
        font: `${capital ? 650 : 400} 12px "Noto Sans", sans-serif`,
        fill: ink, stroke: halo, textAlign: "left", offsetX: 6,
      }),
    });
  }

  function country(feature) {
    const code = feature.get("iso_a2") ?? "";
    const name = /^[A-Z]{2}$/.test(code) ? regions.of(code) : feature.get("name");
    return new Style({
      text: new Text({ text: name, font: '650 13px "Noto Sans", sans-serif', fill: ink, stroke: halo }),
    });
  }
}

function incidentStyles(colours) {
  const edge = new Stroke({ color: colours.surface, width: 1.5 });
  // Past, published data is hollow and small, so that what desks report stands out above it.
  const shape = (level, radius, fill, stroke) => (level < 2
    ? new CircleStyle({ radius: radius + level - 3, fill, stroke })
    : new RegularShape({ points: 4, radius, angle: level === 3 ? Math.PI / 4 : 0, fill, stroke }));
  const inside = new Fill({ color: colours.land });
  const shapes = {
    past: colours.severity.map((color, i) => shape(i, 5.5, inside, new Stroke({ color, width: 1.5 }))),
    live: colours.severity.map((color, i) => shape(i, 8.5, new Fill({ color }), edge)),
  };
  const picked = new CircleStyle({ radius: 11, stroke: new Stroke({ color: colours.ink, width: 2.5 }) });
  const rings = colours.severity.map((colour) => new Stroke({ color: colour, width: 1.2, lineDash: [5, 4] }));
  return (feature, resolution) => {
    const level = feature.get("severity") - 1;
    const past = feature.get("standing") === "published";
    const styles = [new Style({ image: shapes[past ? "past" : "live"][level], zIndex: past ? level : 4 + level })];
    if (feature === selected) {
      styles.unshift(new Style({ image: picked, zIndex: 20 }));
    }
    const radius = feature.get("radius");
    const pixels = radius / resolution;
    // One ring for the chosen incident at any scale; rings of all only where they stay apart.
    if (radius && (feature === selected || (pixels > 8 && resolution < 400))) {
      const middle = feature.getGeometry().getCoordinates();
      const scale = getPointResolution("EPSG:3857", 1, middle);
      styles.unshift(new Style({ geometry: new Circle(middle, radius / scale), stroke: rings[level] }));
    }
    return styles;
  };
}

const tilesUrl = element.dataset.tiles.replace("/0/0/0", "/{z}/{x}/{y}");
const tiles = new VectorTileSource({ format: new MVT(), url: tilesUrl, maxZoom: Number(element.dataset.maxZoom) });
const base = new VectorTileLayer({ source: tiles });
const labels = new VectorTileLayer({ source: tiles, declutter: true });
const incidents = new VectorSource();
const layer = new VectorLayer({ source: incidents, updateWhileInteracting: false });
const bounds = transformExtent(element.dataset.bounds.split(",").map(Number), "EPSG:4326", "EPSG:3857");
const view = new View({
  center: fromLonLat([0, 15]), zoom: 5, maxZoom: 14, minZoom: 2, extent: bounds, smoothExtentConstraint: false,
});
const map = new Map({
  target: element, layers: [base, layer, labels], view, keyboardEventTarget: element,
  controls: [
    new Zoom({ zoomInTipLabel: element.dataset.zoomIn, zoomOutTipLabel: element.dataset.zoomOut }),
    new ScaleLine(),
  ],
});
const bubble = document.createElement("div");
bubble.className = "popup";
bubble.hidden = true;
const popup = new Overlay({ element: bubble, stopEvent: true });
map.addOverlay(popup);
let selected = null;

function paint() {
  const colours = palette();
  const style = baseStyle(colours);
  base.setStyle(style.shapes);
  labels.setStyle(style.labels);
  layer.setStyle(incidentStyles(colours));
}

function choose(feature, { scroll = false, centre = false } = {}) {
  selected = feature;
  layer.changed();
  for (const row of table.querySelectorAll("tr.picked")) row.classList.remove("picked");
  bubble.hidden = !feature;
  if (!feature) return;
  const link = document.createElement("a");
  link.href = `${element.dataset.incident}${feature.getId()}/`;
  link.textContent = feature.get("summary");
  const first = document.createElement("p");
  first.append(link);
  const second = document.createElement("p");
  const day = new Date(feature.get("begins")).toLocaleDateString(language, { dateStyle: "long", timeZone: "UTC" });
  const standing = element.dataset[feature.get("standing")];
  second.textContent = [standing, day, feature.get("kindName"), feature.get("reference")].filter(Boolean).join(" · ");
  bubble.replaceChildren(first, second);
  popup.setPosition(feature.getGeometry().getCoordinates());
  if (centre) view.animate({ center: feature.getGeometry().getCoordinates(), duration: 150 });
  const row = table.querySelector(`tr[data-id="${CSS.escape(feature.getId())}"]`);
  if (row) {
    row.classList.add("picked");
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }
  say(feature.get("summary"));
}

map.on("click", (event) => {
  const found = map.forEachFeatureAtPixel(event.pixel, (feature) => feature, { layerFilter: (l) => l === layer, hitTolerance: 4 });
  choose(found instanceof Feature ? found : null, { scroll: true });
});
map.on("pointermove", (event) => {
  element.classList.toggle("over", !event.dragging && map.hasFeatureAtPixel(event.pixel, { layerFilter: (l) => l === layer }));
});
element.addEventListener("keydown", (event) => { if (event.key === "Escape") choose(null); });
for (const kind of ["mouseover", "focusin"]) {
  table.addEventListener(kind, (event) => {
    const row = event.target.closest("tr[data-id]");
    const feature = row && incidents.getFeatureById(row.dataset.id);
    if (feature && feature !== selected) choose(feature, { centre: kind === "focusin" });
  });
}

async function load() {
  try {
    const answer = await fetch(element.dataset.features, { headers: { Accept: "application/geo+json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const body = await answer.json();
    incidents.addFeatures(new GeoJSON().readFeatures(body, { featureProjection: "EPSG:3857" }));
    if (body.truncated) say(element.dataset.truncated);
    if (!isEmpty(incidents.getExtent())) view.fit(incidents.getExtent(), { padding: [40, 40, 40, 40], maxZoom: 8 });
  } catch {
    say(element.dataset.failed);
  }
  element.dataset.ready = "true";
}

paint();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
load();
