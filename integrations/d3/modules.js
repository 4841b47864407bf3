// The names of D3 that the map uses; a test compares them with its scripts.
export { ascending, bisectLeft, bisectRight, bisector, descending, extent, greatest, group, least } from "d3-array";
export { max, mean, min, range, rollup, sort, sum, ticks, union } from "d3-array";
export { quadtree } from "d3-quadtree";
export { scaleSymlog } from "d3-scale";
export { create, pointer, select } from "d3-selection";
export { area, symbol } from "d3-shape";
export { symbolCircle, symbolCross, symbolDiamond, symbolSquare, symbolStar, symbolTriangle, symbolWye } from "d3-shape";
export { zoom, zoomIdentity, zoomTransform } from "d3-zoom";
