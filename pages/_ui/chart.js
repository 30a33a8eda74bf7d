/* Draws the figures of a run with Plotly.react, so zoom and camera survive every update, and replays its frames.

   data: { run, rows, frames: [{index, figures: {title: json}, metrics: {label: text}, says, note}], listens, opens, looks }
   The component keeps the frames it was sent for one run; a new run starts a new history. */

const TEMPLATES = __TEMPLATES__
const NARROW = structuredClone(TEMPLATES)
for (const { layout } of Object.values(NARROW)) layout.font.size = 12
const PLOTLY = "__PLOTLY__"
const MOST_FRAMES = 400
/* Nothing leaves this page: no button that uploads the chart. */
const CONFIG = { displaylogo: false, showSendToCloud: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] }
/* Milliseconds: of drawing at a time, and of none after a person's press or key. */
const ROUND = 50
const HOLD = 250
const views = new WeakMap()

let acted = 0
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => (acted = performance.now()), true)

let plotly
function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly)
    const script = document.createElement("script")
    script.src = new URL(PLOTLY, document.baseURI)
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => reject(new Error("The drawing library could not be loaded; reload the page."))
    document.head.append(script)
  })
  return plotly
}

function make(tag, name, parent) {
  const node = document.createElement(tag)
  node.className = name
  parent.append(node)
  return node
}

/* Lets clicks and keys through between two figures. */
const breathe = () => globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve))

function isDark(node) {
  const probe = getComputedStyle(node).getPropertyValue("--st-background-color").trim()
  const canvas = document.createElement("canvas").getContext("2d")
  canvas.fillStyle = probe || "#fff"
  canvas.fillRect(0, 0, 1, 1)
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 128
}

/* A picture, whose pixels are square and whose axes are hidden, leaves no room over and under it where it is narrow. */
function heightOf({ height, xaxis, yaxis, margin }, width) {
  if (!height || !width || yaxis?.visible !== false || !yaxis.scaleanchor || !yaxis.range || !xaxis?.range) return height
  const long = ({ range }) => Math.abs(range[1] - range[0])
  const { l = 0, r = 0, t = 0, b = 0 } = margin ?? {}
  return Math.min(height, Math.ceil(((width - l - r) * long(yaxis)) / long(xaxis)) + t + b)
}

class View {
  constructor(root) {
    this.root = root
    this.metrics = make("dl", "metrics", root)
    this.grid = make("div", "grid", root)
    this.bar = make("div", "bar", root)
    this.says = make("p", "says", root)
    this.cells = new Map()
    this.frames = []
    this.shown = -1
    this.follow = true
    this.wake = () => {}
    this.makeBar()
    this.narrow = root.clientWidth < 420
    this.resize = new ResizeObserver(() => this.fit())
    this.resize.observe(root)
  }

  makeBar() {
    const button = (text, title, action) => {
      const node = make("button", "step", this.bar)
      node.type = "button"
      node.textContent = text
      node.title = title
      node.setAttribute("aria-label", title)
      node.onclick = action
      return node
    }
    button("|◀", "First frame", () => this.seek(0))
    button("◀", "One frame back", () => this.seek(this.shown - 1))
    this.playButton = button("▶", "Play", () => (this.timer ? this.pause() : this.play()))
    button("▶|", "One frame on", () => this.seek(this.shown + 1))
    this.slider = make("input", "scrub", this.bar)
    Object.assign(this.slider, { type: "range", min: 0, step: 1 })
    this.slider.setAttribute("aria-label", "Frame of the run")
    this.slider.oninput = () => this.seek(Number(this.slider.value))
    this.speed = make("select", "speed", this.bar)
    this.speed.setAttribute("aria-label", "Speed")
    for (const times of [0.5, 1, 2, 4]) this.speed.add(new Option(`${times}×`, times, times === 1, times === 1))
    this.count = make("span", "count", this.bar)
  }

  fit() {
    this.narrow = this.root.clientWidth < 420
    for (const { plot } of this.cells.values()) if (plot._fullLayout && plot.clientWidth) window.Plotly.Plots.resize(plot)
  }

  play() {
    if (this.shown >= this.frames.length - 1) this.shown = -1
    const tick = () => {
      if (this.shown >= this.frames.length - 1) return this.pause()
      this.show(this.shown + 1)
      this.timer = setTimeout(tick, 100 / Number(this.speed.value))
    }
    this.playButton.textContent = "❚❚"
    this.follow = false
    tick()
  }

  pause() {
    clearTimeout(this.timer)
    this.timer = undefined
    this.playButton.textContent = "▶"
    this.follow = this.shown === this.frames.length - 1
  }

  seek(index) {
    if (this.timer) this.pause()
    this.show(Math.max(0, Math.min(this.frames.length - 1, index)))
    this.follow = this.shown === this.frames.length - 1
  }

  update({ data, setTriggerValue }) {
    this.data = data
    this.send = setTriggerValue
    const dark = isDark(this.root)
    const redraw = dark !== this.dark
    this.dark = dark
    if (data.run !== this.run) {
      if (this.timer) this.pause()
      Object.assign(this, { run: data.run, frames: [], shown: -1, follow: true })
    }
    const isNew = !this.frames.length
    const renewed = this.take(data.frames)
    this.thin()
    this.lay(data.rows)
    this.slider.max = this.frames.length - 1
    this.bar.hidden = this.frames.length < 2
    if (isNew && data.opens != null) this.seek(data.opens)
    else if (renewed) this.seek(this.frames.length - 1)
    else if (this.follow && this.frames.length - 1 !== this.shown) this.show(this.frames.length - 1, isNew)
    else if (redraw) this.show(this.shown)
    else this.caption()
  }

  /* Frames sent before this page could take them never came; the first of a run is worth asking for again. Returns whether
     the last frame was replaced because the person looks at it in another way. */
  take(frames) {
    const held = this.frames.length - 1
    const again = frames.at(-1)
    const renewed = held >= 0 && again?.index === this.frames[held].index && this.looks !== this.data.looks
    if (renewed) this.frames[held] = again
    this.looks = this.data.looks
    const [first, last] = [this.frames[0]?.index ?? Infinity, this.frames.at(-1)?.index ?? -1]
    this.frames.unshift(...frames.filter(({ index }) => index < first && index <= last))
    if (this.frames[0]?.index < first) this.shown += 1
    this.frames.push(...frames.filter(({ index }) => index > last))
    if (this.frames[0]?.index > 0 && this.asked !== this.run) {
      this.asked = this.run
      this.emit({ kind: "missing", figure: "" })
    }
    return renewed
  }

  /* A long run keeps every other frame once there are too many; the last always stays. */
  thin() {
    if (this.frames.length <= MOST_FRAMES) return
    const end = this.frames.length - 1
    this.frames = this.frames.filter((_, i) => i % 2 === 0 || i === end)
    this.shown = this.follow ? -1 : Math.floor(this.shown / 2)
  }

  lay(rows) {
    const wanted = JSON.stringify(rows)
    if (wanted === this.laid) return
    this.laid = wanted
    const titles = rows.flat()
    for (const [title, { cell, plot }] of this.cells) {
      if (titles.includes(title)) continue
      window.Plotly?.purge(plot)
      cell.remove()
      this.cells.delete(title)
    }
    this.grid.replaceChildren()
    this.grid.classList.toggle("single", titles.length === 1)
    for (const row of rows) {
      const line = make("div", "row", this.grid)
      for (const title of row) line.append(this.cell(title))
      line.classList.toggle("small", row.length > 2 && row.every((title) => this.isSmall(title)))
    }
  }

  /* Figures that ask for little height stand closer together. */
  isSmall(title) {
    const text = this.frames.at(-1)?.figures[title]
    return text ? (JSON.parse(text).layout.height ?? Infinity) < 280 : false
  }

  cell(title) {
    if (!this.cells.has(title)) {
      const cell = document.createElement("figure")
      make("figcaption", "title", cell).textContent = title
      const plot = make("div", "plot", cell)
      plot.setAttribute("role", "img")
      this.listen(title, plot)
      this.cells.set(title, { cell, plot })
    }
    return this.cells.get(title).cell
  }

  /* An eager frame is one that a person asked for. */
  show(index, eager = true) {
    const frame = this.frames[index]
    if (!frame) return
    if (eager) {
      this.eager = true
      this.wake()
    }
    this.shown = index
    this.caption()
    this.says.textContent = [frame.says, frame.note].filter(Boolean).join(" ")
    this.metrics.replaceChildren()
    for (const [label, text] of Object.entries(frame.metrics)) {
      const metric = make("div", "metric", this.metrics)
      make("dt", "", metric).textContent = label
      make("dd", "", metric).textContent = text
    }
    this.wanted = frame
    if (!this.drawing) this.drawWanted()
  }

  /* Draws the frame that is wanted, and again while another has been asked for meanwhile. What doesn't fit into one round
     waits for the next: the first figure follows every frame, the others take turns where drawing is slow. A frame that a
     person didn't ask for waits after a press or a key, so that their own actions never wait for the picture. */
  async drawWanted() {
    this.drawing = true
    try {
      await this.drawRounds(await loadPlotly())
    } catch (error) {
      this.says.textContent = error.message
    } finally {
      this.drawing = false
    }
  }

  async drawRounds(Plotly) {
    let run, frame, stale = []
    while (this.wanted || stale.length) {
      if (this.wanted) {
        const hold = acted + HOLD - performance.now()
        if (!this.eager && hold > 0) await this.rest(hold)
        if (!this.wanted) return
        frame = this.wanted
        Object.assign(this, { wanted: undefined, eager: false })
        const [first, ...others] = Object.keys(frame.figures)
        const waited = run === this.run ? stale : []
        stale = [...new Set([first, ...waited, ...others])]
        run = this.run
      }
      const began = performance.now()
      for (let drawn = 0; stale.length && this.run === run && (drawn < 2 || performance.now() - began < ROUND); drawn++) {
        this.draw(Plotly, frame, stale.shift())
        this.root.dataset.drawn = `${run}/${frame.index}`
        await breathe()
      }
      if (this.wanted && this.run === run) await this.rest((performance.now() - began) / 4)
    }
  }

  rest(milliseconds) {
    return new Promise((resolve) => {
      this.wake = resolve
      setTimeout(resolve, milliseconds)
    })
  }

  draw(Plotly, frame, title) {
    const held = this.cells.get(title)
    if (!held) return
    const figure = JSON.parse(frame.figures[title])
    const layout = { ...figure.layout, template: this.template(), autosize: true, uirevision: title }
    layout.height = heightOf(layout, held.plot.clientWidth)
    const height = layout.height ? `${layout.height}px` : ""
    if (held.plot.style.height !== height) held.plot.style.height = height
    layout.editrevision = `${this.run}/${frame.index}`
    held.plot.setAttribute("aria-label", `${title}. ${frame.says}`)
    const edits = { shapePosition: this.data.listens.includes("drag") }
    Plotly.react(held.plot, figure.data, layout, { ...CONFIG, edits })
    this.attach(title, held.plot)
  }

  /* Plotly doesn't change a template, so all figures share one; a narrow figure has smaller letters. */
  template() {
    const theme = this.dark ? "dark" : "light"
    return this.narrow ? NARROW[theme] : TEMPLATES[theme]
  }

  caption() {
    this.slider.value = this.shown
    this.count.textContent = `${this.shown + 1} / ${this.frames.length}`
  }

  emit(event) {
    this.send("event", { ...event, stamp: performance.now() })
  }

  /* A press anywhere on the plane counts as a click there, on a mark or not; a drag does not, but beside all shapes it may
     draw a box. */
  listen(title, plot) {
    const within = ({ clientX, clientY }) => {
      const { xaxis, yaxis } = plot._fullLayout ?? {}
      if (!xaxis?.p2d || !yaxis?.p2d) return
      const box = plot.getBoundingClientRect()
      return [xaxis.p2d(clientX - box.left - xaxis._offset), yaxis.p2d(clientY - box.top - yaxis._offset)].map(Number)
    }
    const far = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) > 4
    let from
    plot.addEventListener("pointerdown", (e) => {
      from = e
      if (this.data.listens.includes("draw") && e.target.closest(".draglayer")) this.band(e, (to) => {
        if (far(from, to) && within(to)) this.emit({ kind: "draw", figure: title, box: [...within(from), ...within(to)] })
      })
    }, true)
    plot.addEventListener("click", (e) => {
      if (!this.data.listens.includes("click") || !from || far(from, e) || !e.target.closest(".draglayer")) return
      const at = within(e)
      if (at) this.emit({ kind: "click", figure: title, x: at[0], y: at[1] })
    }, true)
  }

  /* A rectangle that follows the pointer from a press until it is let go; a press that became a scroll draws nothing. */
  band(from, done) {
    const band = make("div", "band", this.root)
    const ending = new AbortController(), { signal } = ending
    addEventListener("pointermove", (e) => {
      band.style.left = `${Math.min(from.clientX, e.clientX)}px`
      band.style.top = `${Math.min(from.clientY, e.clientY)}px`
      band.style.width = `${Math.abs(e.clientX - from.clientX)}px`
      band.style.height = `${Math.abs(e.clientY - from.clientY)}px`
    }, { signal })
    const end = (e) => {
      ending.abort()
      band.remove()
      if (e.type === "pointerup") done(e)
    }
    addEventListener("pointerup", end, { signal })
    addEventListener("pointercancel", end, { signal })
  }

  attach(title, plot) {
    if (plot.dataset.attached) return
    plot.dataset.attached = "yes"
    let due = 0
    plot.on("plotly_hover", ({ points }) => {
      /* In a walk the cells of an output know their steps, and the frames of all steps are here. */
      const at = plot.layout.meta?.step
      if (this.data.opens != null && at && points[0].customdata) {
        this.seek(this.shown + points[0].customdata - at)
      }
      if (!this.data.listens.includes("hover") || performance.now() < due) return
      due = performance.now() + 120
      this.emit({ kind: "hover", figure: title, x: Number(points[0].x), y: Number(points[0].y), name: points[0].data.name ?? "" })
    })
    plot.on("plotly_relayout", (changes) => {
      const key = Object.keys(changes).find((name) => name.startsWith("shapes["))
      if (!key || !this.data.listens.includes("drag")) return
      const shape = plot.layout.shapes[Number(key.slice(7, key.indexOf("]")))]
      this.emit({ kind: "drag", figure: title, name: shape.name ?? "", box: [shape.x0, shape.y0, shape.x1, shape.y1].map(Number) })
    })
  }

  destroy() {
    clearTimeout(this.timer)
    this.wanted = undefined
    this.resize.disconnect()
    this.cells.forEach(({ plot }) => window.Plotly?.purge(plot))
  }
}

/* Streamlit may end a mount and begin another on the same element, a moment later; only an element that is gone for good
   takes its view along. */
export default function (component) {
  const parent = component.parentElement
  let view = views.get(parent)
  if (!view) {
    view = new View(make("div", "atlas-view", parent))
    views.set(parent, view)
  }
  view.update(component)
  return () => setTimeout(() => {
    if (parent.isConnected) return
    view.destroy()
    views.delete(parent)
  }, 1000)
}
