/* A pad of 256 x 256 to draw on: tells the strokes while the pointer moves, ten times a second at most.

   data: { strokes: [[x0, y0, x1, y1, ...], ...], label } */

const SIDE = 256
const PAUSE = 100
const pads = new WeakMap()

class Pad {
  constructor(root) {
    this.strokes = []
    this.canvas = document.createElement("canvas")
    Object.assign(this.canvas, { className: "atlas-pad", width: SIDE, height: SIDE, tabIndex: 0 })
    this.clear = document.createElement("button")
    Object.assign(this.clear, { type: "button", className: "atlas-pad-clear", textContent: "Clear the pad" })
    this.clear.onclick = () => { this.strokes = []; this.draw(); this.tell(true) }
    root.append(this.canvas, this.clear)
    this.canvas.addEventListener("pointerdown", (e) => this.begin(e))
    this.canvas.addEventListener("pointermove", (e) => this.go(e))
    for (const kind of ["pointerup", "pointercancel"]) this.canvas.addEventListener(kind, () => this.end())
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect()
    const inside = (x) => Math.max(0, Math.min(SIDE - 1, Math.round(x)))
    return [inside((event.clientX - box.left) / box.width * SIDE), inside((event.clientY - box.top) / box.height * SIDE)]
  }

  begin(event) {
    event.preventDefault()
    this.canvas.setPointerCapture(event.pointerId)
    this.drawing = true
    this.strokes.push(this.at(event))
    this.draw()
  }

  /* A point closer than four pixels to the last one adds nothing. */
  go(event) {
    if (!this.drawing) return
    const stroke = this.strokes.at(-1), [x, y] = this.at(event)
    if (Math.hypot(x - stroke.at(-2), y - stroke.at(-1)) < 4) return
    stroke.push(x, y)
    this.draw()
    this.tell(false)
  }

  end() {
    if (!this.drawing) return
    this.drawing = false
    this.tell(true)
  }

  tell(now) {
    clearTimeout(this.timer)
    const wait = now ? 0 : Math.max(0, (this.told ?? 0) + PAUSE - performance.now())
    this.timer = setTimeout(() => {
      this.told = performance.now()
      this.sent = JSON.stringify(this.strokes)
      this.send("strokes", this.strokes.map((stroke) => stroke.join("~")).join("!"))
    }, wait)
  }

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue
    this.canvas.setAttribute("aria-label", data.label)
    const given = JSON.stringify(data.strokes)
    /* What comes back while the pen is down is older than what is drawn. */
    if (!this.drawing && given !== this.given && given !== this.sent) this.strokes = data.strokes.map((s) => [...s])
    this.given = given
    this.draw()
  }

  draw() {
    const pen = this.canvas.getContext("2d")
    pen.clearRect(0, 0, SIDE, SIDE)
    Object.assign(pen, { lineWidth: 20, lineCap: "round", lineJoin: "round" })
    pen.strokeStyle = getComputedStyle(this.canvas).color
    for (const [x, y, ...rest] of this.strokes) {
      pen.beginPath()
      pen.moveTo(x, y)
      pen.lineTo(x, y)
      for (let i = 0; i < rest.length; i += 2) pen.lineTo(rest[i], rest[i + 1])
      pen.stroke()
    }
  }
}

export default function (component) {
  const parent = component.parentElement
  let pad = pads.get(parent)
  if (!pad) {
    pad = new Pad(parent)
    pads.set(parent, pad)
  }
  pad.update(component)
}
