/** The places on the map that symbols and names cover, in cells of a few pixels. */

const CELL = 5;
const HALF = 10; // of a name's height, and as much to its sides

export class Taken {
  constructor({ width, height }) {
    this.columns = Math.ceil(width / CELL) + 1;
    this.rows = Math.ceil(height / CELL) + 1;
    this.cells = new Uint8Array(this.columns * this.rows);
  }

  /** Take the square around a point. */
  take([x, y], half) {
    this.each([x, y], half, (cell) => {
      this.cells[cell] = 1;
      return true;
    });
  }

  /** Take the squares around these points, if all are free. */
  takeLine(middles) {
    if (!middles.every((middle) => this.each(middle, HALF, (cell) => this.cells[cell] === 0))) return false;
    for (const middle of middles) this.take(middle, HALF);
    return true;
  }

  /** True if `holds` is true of each cell of a square; a square that none of them is in has none. */
  each([x, y], half, holds) {
    const [left, right] = [x - half, x + half].map((end) => Math.floor(end / CELL));
    const [top, bottom] = [y - half, y + half].map((end) => Math.floor(end / CELL));
    for (let row = Math.max(top, 0); row <= Math.min(bottom, this.rows - 1); row += 1) {
      for (let column = Math.max(left, 0); column <= Math.min(right, this.columns - 1); column += 1) {
        if (!holds(row * this.columns + column)) return false;
      }
    }
    return true;
  }
}
