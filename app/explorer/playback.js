// Playing at a steady rate: frames that the screen was too slow for are skipped, so that a second stays a second.

class Playback {
  // rate(): frames per second. advance(n): go on by n frames.
  constructor(rate, advance) {
    Object.assign(this, { rate, advance, playing: false });
  }

  start() {
    this.stop();
    this.playing = true;
    let last = performance.now();
    let owed = 0; // frames, with their fraction
    const tick = (now) => {
      if (!this.playing) return;
      owed += ((now - last) / 1000) * this.rate();
      last = now;
      if (owed >= 1) {
        this.advance(Math.floor(owed));
        owed %= 1;
      }
      this.request = requestAnimationFrame(tick);
    };
    this.request = requestAnimationFrame(tick);
  }

  stop() {
    this.playing = false;
    cancelAnimationFrame(this.request);
  }
}
