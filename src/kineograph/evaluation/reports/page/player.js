"use strict";

/* Several videos of the same frames, which play, stop and step together. */

class Player {
  /* parts: the elements scrub, frame, play and speed. */
  constructor(parts) {
    Object.assign(this, { parts, films: [], frame: 0, count: 1, fps: 1, speed: 1 });
    this.playing = this.running = this.wanted = false;
    this.turn = 0;
    parts.play.addEventListener("click", () => this.toggle());
    parts.scrub.addEventListener("input", () => {
      this.pause();
      this.seek(Number(parts.scrub.value));
    });
    parts.speed.addEventListener("change", () => {
      this.speed = Number(parts.speed.value);
      this.films.forEach((video) => { video.playbackRate = this.speed; });
    });
  }

  /* Other videos, from their first frame; they play if the last ones did. */
  load(films, count, fps) {
    this.stop();
    Object.assign(this, { films: [], count, fps });
    films.forEach((video) => this.add(video));
    this.parts.scrub.max = Math.max(count - 1, 0);
    this.seek(0);
    if (this.wanted) this.play();
  }

  add(video) {
    this.films.push(video);
    video.addEventListener("seeked", () => this.settle(video));
    video.addEventListener("loadedmetadata", () => this.put(video));
    video.addEventListener("error", () => {
      this.films = this.films.filter((other) => other !== video);
    });
  }

  tell(frame) {
    this.frame = frame;
    this.parts.scrub.value = frame;
    this.parts.frame.textContent = `frame ${frame + 1} of ${this.count}`;
  }

  seek(frame) {
    this.tell(Math.min(Math.max(frame, 0), this.count - 1));
    this.films.forEach((video) => this.put(video));
  }

  step(by) {
    this.pause();
    this.seek(this.frame + by);
  }

  /* Put a video at the frame. One that is still on its way to another goes on once it is there. */
  put(video) {
    if (video.seeking) return;
    video.at = this.frame;
    const middle = (this.frame + 0.5) / this.fps;
    const last = isFinite(video.duration) ? video.duration - 0.25 / this.fps : middle;
    video.currentTime = Math.max(Math.min(middle, last), 0);
  }

  settle(video) {
    if (!this.running && video.at !== this.frame) this.put(video);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  async play() {
    const turn = ++this.turn;
    this.playing = this.wanted = true;
    this.mark();
    if (this.frame >= this.count - 1) this.seek(0);
    await this.ready(turn);
    if (turn !== this.turn) return;
    this.running = true;
    this.films.forEach((video) => {
      video.at = null;
      video.playbackRate = this.speed;
      video.play().catch(() => {});
    });
    this.follow(turn);
  }

  /* All stand at their frame, or three seconds have passed. */
  async ready(turn) {
    const end = performance.now() + 3000;
    const there = (video) => video.readyState >= 2 && !video.seeking && video.at === this.frame;
    while (turn === this.turn && performance.now() < end && !this.films.every(there)) {
      await new Promise(requestAnimationFrame);
    }
  }

  /* The longest leads, and when it is through all begin again. */
  follow(turn) {
    if (turn !== this.turn || !this.films.length) return;
    const leader = this.films.reduce((a, b) => (b.duration > a.duration ? b : a));
    if (leader.ended) {
      this.running = false;
      this.seek(0);
      this.play();
      return;
    }
    this.tell(Math.min(Math.floor(leader.currentTime * this.fps + 0.01), this.count - 1));
    this.films.filter((video) => video !== leader).forEach((video) => this.keep(video, leader));
    requestAnimationFrame(() => this.follow(turn));
  }

  /* What is behind goes a little faster, what is ahead slower; what is far off jumps. */
  keep(video, leader) {
    if (video.ended || video.seeking) return;
    const behind = leader.currentTime - video.currentTime;
    if (Math.abs(behind) > 0.4 * this.speed) video.currentTime = leader.currentTime;
    const near = Math.abs(behind) < Math.max(0.25 / this.fps, 0.01);
    const rate = this.speed * (near ? 1 : 1 + Math.max(-0.3, Math.min(0.3, 4 * behind)));
    if (Math.abs(video.playbackRate - rate) > 0.02) video.playbackRate = rate;
  }

  stop() {
    this.turn += 1;
    this.playing = this.running = false;
    this.films.forEach((video) => video.pause());
    this.mark();
  }

  /* All stop at the same frame, though they may not have been at the very same one. */
  pause() {
    const played = this.playing;
    this.stop();
    this.wanted = false;
    if (played) this.seek(this.frame);
  }

  mark() {
    this.parts.play.classList.toggle("playing", this.playing);
    this.parts.play.setAttribute("aria-label", this.playing ? "pause" : "play");
  }
}
