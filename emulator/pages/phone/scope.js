// Who was loud in the last seconds: one bar for each moment, yours upwards, the emulator's downwards.

const STEP = 60; // milliseconds for a bar
const BAR = 3;
const GAP = 2;

export class Scope {
  constructor(canvas) {
    this.canvas = canvas;
    this.history = [];
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Show what `levels()` says, { you, emulator } between 0 and 1, until stop(). */
  run(levels) {
    this.stop();
    this.history = [];
    this.timer = setInterval(() => {
      this.history.push(levels());
      if (this.history.length > this.canvas.width / (BAR + GAP)) this.history.shift();
      this.#draw();
    }, STEP);
  }

  stop() {
    clearInterval(this.timer);
  }

  #fit() {
    const scale = devicePixelRatio;
    this.canvas.width = this.canvas.clientWidth * scale;
    this.canvas.height = this.canvas.clientHeight * scale;
    this.canvas.getContext("2d").scale(scale, scale);
    this.#draw();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const context = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    const colours = { you: style.getPropertyValue("--you"), emulator: style.getPropertyValue("--emulator") };
    const middle = height / 2;
    context.clearRect(0, 0, width, height);
    const count = Math.ceil(width / (BAR + GAP));
    for (let place = 0; place < count; place++) {
      const levels = this.history.at(-1 - place) ?? { you: 0, emulator: 0 };
      const x = width - (place + 1) * (BAR + GAP);
      context.globalAlpha = 1 - 0.65 * (place / count);
      for (const [who, direction] of [["you", -1], ["emulator", 1]]) {
        const length = Math.max(2, levels[who] * (middle - 4));
        context.fillStyle = levels[who] > 0.02 ? colours[who] : style.getPropertyValue("--quiet");
        context.beginPath();
        context.roundRect(x, direction < 0 ? middle - 1.5 - length : middle + 1.5, BAR, length, BAR / 2);
        context.fill();
      }
    }
  }
}
