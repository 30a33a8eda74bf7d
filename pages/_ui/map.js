/* The map of all labs, with a search that answers while a person types. data: { groups: [{page, title, labs: [...]}] } */

const roots = new WeakMap()

function make(tag, name, parent, text) {
  const node = document.createElement(tag)
  node.className = name
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

function build(root, groups, open) {
  const search = make("input", "search", root)
  Object.assign(search, { type: "search", placeholder: "Search all labs: momentum, beam search, IoU …" })
  search.setAttribute("aria-label", "Search all labs")
  const none = make("p", "none", root, "No lab matches. Try one word of its title, such as “dropout”.")
  none.hidden = true
  const map = make("div", "map", root)
  const items = []
  for (const group of groups) {
    const section = make("section", "group", map)
    const live = group.labs.filter((lab) => lab.slug).length
    const head = make("h3", "", section, group.title)
    make("span", "tally", head, live ? `${live} of ${group.labs.length}` : `${group.labs.length} to come`)
    const list = make("ul", "", section)
    for (const lab of group.labs) {
      const item = make("li", lab.slug ? "live" : "later", list)
      const node = make(lab.slug ? "a" : "span", "", item, lab.title)
      item.title = lab.see
      if (lab.slug) {
        node.href = `${group.page}?lab=${lab.slug}&seed=0`
        node.onclick = (e) => {
          if (e.ctrlKey || e.metaKey || e.shiftKey || e.button) return
          e.preventDefault()
          open(`${group.page}/${lab.slug}`)
        }
      }
      items.push({ item, section, text: `${lab.title} ${lab.id} ${lab.see} ${group.title}`.toLowerCase() })
    }
  }
  search.oninput = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    let found = 0
    for (const { item, text } of items) {
      item.hidden = !words.every((word) => text.includes(word))
      found += !item.hidden
    }
    for (const section of map.children) section.hidden = ![...section.querySelectorAll("li")].some((li) => !li.hidden)
    none.hidden = found > 0
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (roots.has(parentElement)) return
  roots.set(parentElement, true)
  build(make("div", "atlas-map", parentElement), data.groups, (where) => setTriggerValue("open", where))
}
