// The page: shows what the server says of the run's folder, and asks it for plans and runs. It keeps nothing itself
// but the story that is being edited.

const token = document.querySelector("meta[name=token]").content;
const $ = id => document.getElementById(id);

let form; // the settings that can be said
let folder = {}; // what the server says of the folder
let story = null; // as it is edited
let plan = null; // what the server says would come of it
let status = {stage: "idle"};
let picture = null; // the first picture, until the folder has it
let edited = false; // whether the story differs from the folder's
let asked = 0; // the plan that was asked for last

// Elements

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

const button = (text, about, onclick) => make("button", {type: "button", textContent: text, title: about, ariaLabel: about, onclick});
const show = (element, shown) => { element.hidden = !shown; };
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function spell(seconds) {
  if (seconds < 1) return "a second";
  if (seconds < 90) return plural(Math.round(seconds), "second");
  if (seconds < 5400) return plural(Math.round(seconds / 60), "minute");
  return `${(seconds / 3600).toFixed(1)} hours`;
}

const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

// The server

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-Token": token},
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer: start script/page again, and load this page anew.");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.problem);
  return found;
}

/** Does something, and shows what was wrong with it. */
async function attempt(act) {
  try {
    await act();
    complain("");
  } catch (error) {
    complain(error.message);
  }
}

function complain(sentence) {
  $("problem").textContent = sentence;
  show($("problem"), sentence);
  if (sentence) $("problem").scrollIntoView({block: "nearest"});
}

async function load() {
  folder = await ask("/api/state");
  $("about").textContent = `${folder.folder} · ${folder.model}`;
  show($("world"), folder.world);
  $("world").querySelector("pre").textContent = folder.world ?? "";
  if (folder.story && !edited) await take(folder.story, false);
  showCards();
  showFilm();
  showFiles();
}

// The story and its plan

/** Takes a story to edit, and shows its plan. */
async function take(data, isEdited = true) {
  story = structuredClone(data);
  edited = isEdited;
  showRows();
  showForms();
  await showPlan();
}

/** Whether a text looks like a script: headings such as INT. HARBOUR - DAWN, Final Draft's XML, or a breakdown. */
const looksLikeAScript = text => /^\s*{/.test(text)
  ? /"script"\s*:\s*{/.test(text) && /"text"\s*:/.test(text)
  : /^\s*(\d+\w?\s+)?(int|ext|est|i\/e)[./ ]/im.test(text) || /^\s*<\?xml/.test(text);

async function planText(text) {
  const kind = $("kind").value;
  const script = kind === "script" || (kind === "auto" && looksLikeAScript(text));
  const found = await ask("/api/plan", {text, script, writer: $("writer").value, ...withPicture()});
  showBreakdown(found.breakdown);
  const words = script || !/^\s*[[{]/.test(text);
  await take(words ? {...found.story, film: {captions: "soft", ...found.story.film}} : found.story);
  $("plan").scrollIntoView({behavior: "smooth"});
}

async function showPlan() {
  const number = ++asked;
  const found = await ask("/api/plan", {story, ...withPicture()});
  if (number !== asked) return; // a newer one is under way
  plan = found;
  story.seed ??= plan.story.seed;
  showVerdicts();
}

const withPicture = () => picture ? {image: picture} : {};

function showBreakdown(text) {
  show($("breakdown"), text);
  if (text) $("breakdown").href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
}

/** Takes a first picture, or none; a plan that is shown follows. */
async function takePicture(file) {
  picture = file && await new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Error(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
  show($("first"), picture);
  $("first").querySelector("img").src = picture ?? "";
  if (!story) return;
  if (!picture) delete story.image;
  else if (story.scenes[0].after === null) delete story.scenes[0].after; // a script's first shot has its words alone
  showRows();
  change();
}

let waiting;
function change() {
  edited = true;
  clearTimeout(waiting);
  const empty = story.scenes.findIndex(scene => !scene.prompt.trim());
  if (empty >= 0) {
    $("total").textContent = `Scene ${empty + 1} has no words yet.`;
    $("draw").disabled = true;
    return;
  }
  waiting = setTimeout(() => attempt(showPlan), 300);
}

/** Changes which scenes there are, or their order. */
function rearrange(act, focus) {
  act(story.scenes);
  showRows();
  change();
  $("rows").children[focus]?.querySelector("textarea").focus();
}

function newId() {
  const ids = new Set([...story.scenes, ...(folder.scenes ?? [])].map(scene => scene.id));
  let number = story.scenes.length + 1;
  while (ids.has(`scene_${String(number).padStart(3, "0")}`)) number++;
  return `scene_${String(number).padStart(3, "0")}`;
}

function split(at) {
  const area = $("rows").children[at].querySelector("textarea");
  const cut = area.selectionStart, words = area.value;
  const [before, after] = [words.slice(0, cut).trim(), words.slice(cut).trim()];
  if (!before || !after) return complain("Put the cursor where the second scene begins, within the words, and split again.");
  rearrange(scenes => {
    scenes[at].prompt = before;
    scenes.splice(at + 1, 0, {prompt: after, id: newId()});
  }, at + 1);
}

function merge(at) {
  rearrange(scenes => {
    const [gone] = scenes.splice(at + 1, 1);
    scenes[at].prompt = `${scenes[at].prompt} ${gone.prompt}`;
    forgetScene(gone.id, scenes[at].id);
  }, at);
}

/** No scene refers to one that is gone. */
function forgetScene(gone, instead) {
  for (const scene of story.scenes) {
    for (const field of ["after", "anchor"]) {
      if (scene[field] !== gone) continue;
      if (instead && instead !== scene.id) scene[field] = instead;
      else delete scene[field];
    }
  }
  if (story.anchor === gone) delete story.anchor;
}

function remove(at) {
  rearrange(scenes => forgetScene(scenes.splice(at, 1)[0].id), Math.max(at - 1, 0));
}

function move(at, by) {
  const to = at + by;
  if (to < 0 || to >= story.scenes.length) return;
  rearrange(scenes => {
    [scenes[at], scenes[to]] = [scenes[to], scenes[at]];
    scenes.forEach((scene, number) => { // it can only grow from an earlier one
      const earlier = scenes.slice(0, number).map(each => each.id);
      if (scene.after && !earlier.includes(scene.after)) delete scene.after;
    });
  }, to);
}

function showRows() {
  show($("plan"), true);
  $("rows").replaceChildren(...story.scenes.map(row));
}

function row(scene, at) {
  const words = make("textarea", {
    value: scene.prompt,
    rows: 2,
    ariaLabel: `Words of scene ${at + 1}`,
    oninput: () => { scene.prompt = words.value; change(); },
    onkeydown: event => {
      if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
        event.preventDefault();
        move(at, event.key === "ArrowUp" ? -1 : 1);
      }
    },
  });
  const seconds = make("input", {
    className: "seconds", type: "number", min: 0.1, max: 600, step: "any", value: scene.duration ?? "", ariaLabel: `Seconds of scene ${at + 1}`,
    oninput: () => { say(scene, "duration", seconds.value === "" ? undefined : Number(seconds.value)); change(); },
  });
  const last = story.scenes.length - 1;
  const buttons = [
    button("↑", "Move up", () => move(at, -1)),
    button("↓", "Move down", () => move(at, 1)),
    button("Split", "Split it at the cursor", () => split(at)),
    button("Merge", "Merge it with the next", () => merge(at)),
    button("+", "Add a scene after it", () => rearrange(scenes => scenes.splice(at + 1, 0, {prompt: "", id: newId()}), at + 1)),
    button("×", "Take it out", () => remove(at)),
  ];
  buttons[0].disabled = at === 0;
  buttons[1].disabled = buttons[3].disabled = at === last;
  buttons[5].disabled = last === 0;
  const more = make("details", {}, make("summary", {textContent: "More"}), fields(form.scene.filter(each => !["duration", "after"].includes(each.name)), scene));
  const line = make("tr", {},
    make("td", {className: "number", textContent: at + 1}),
    make("td", {className: "words"}, words, make("ul", {className: "notes"}), more),
    make("td", {}, growsFrom(scene, at)),
    make("td", {}, seconds),
    make("td", {className: "why"}),
    make("td", {className: "change"}, ...buttons),
  );
  line.dataset.id = scene.id;
  return line;
}

function growsFrom(scene, at) {
  const first = story.image || picture ? "the first picture" : "its words alone";
  const options = [["", at ? "the one before" : first], ["null", "its words alone"], ...story.scenes.slice(0, at).map((each, number) => [each.id, `scene ${number + 1}`])];
  const value = scene.after === undefined ? "" : String(scene.after);
  const choice = make("select", {ariaLabel: `What scene ${at + 1} grows from`, disabled: at === 0, onchange: () => {
    say(scene, "after", choice.value === "" ? undefined : choice.value === "null" ? null : choice.value);
    change();
  }}, ...options.map(([name, text]) => make("option", {value: name, textContent: text, selected: name === value})));
  return choice;
}

function say(settings, name, value) {
  if (value === undefined) delete settings[name];
  else settings[name] = value;
}

function showVerdicts() {
  const shots = new Map(plan.shots.map(shot => [shot.id, shot]));
  for (const line of $("rows").children) {
    const shot = shots.get(line.dataset.id);
    if (!shot) continue;
    line.classList.toggle("todo", Boolean(shot.why));
    line.querySelector(".why").textContent = shot.why || "made";
    line.querySelector(".why").title = shot.how;
    line.querySelector(".notes").replaceChildren(...shot.notes.map(note => make("li", {textContent: note})));
    line.querySelector(".seconds").placeholder = shot.duration.toFixed(1).replace(/\.0$/, "");
  }
  const count = plan.shots.length;
  const time = `about ${spell(plan.seconds)}${plan.guessed ? " by a guess, until one is drawn" : ""}`;
  const drawing = plan.to_draw ? `${plan.to_draw} of ${plural(count, "scene")} to draw, ${time}` : `${plural(count, "scene")}, nothing to draw`;
  const aside = plan.sets_aside ? " The run that is in this folder is kept in earlier/." : "";
  $("total").textContent = `${drawing}. The film takes ${clock(plan.film_seconds)}.${aside}`;
  show($("clips"), plan.clips.length);
  $("clips").querySelector("summary").textContent = `${plural(plan.clips.length, "clip")} to make`;
  $("clips").querySelector("pre").textContent = plan.clips.join("\n\n");
  $("draw").textContent = plan.to_draw ? `Draw ${plural(plan.to_draw, "scene")}` : "Cut the film";
  show($("forget"), edited && folder.story);
  showBusy();
}

// Settings, by the table of all settings

function showForms() {
  story.film ??= {};
  $("story-form").replaceChildren(fields(form.story, story));
  $("film-form").replaceChildren(fields(form.film, story.film));
}

function fields(settings, values) {
  return make("div", {className: "form"}, ...settings.map(setting => field(setting, values)));
}

function field(setting, values) {
  const {name, kind, choices} = setting;
  const given = values[name];
  let input;
  const usual = setting.blank || (setting.default ?? "");
  if (kind === "bool" || choices.length) {
    const all = kind === "bool" ? [[true, "yes"], [false, "no"]] : choices.map(each => [each, String(each)]);
    const blank = kind === "bool" ? (setting.default ? "yes" : "no") : usual;
    input = make("select", {}, make("option", {value: "", textContent: `as usual: ${blank}`}),
      ...all.map(([value, text]) => make("option", {value: text, textContent: text, selected: value === given})));
    input.addEventListener("change", () => {
      say(values, name, all.find(([, text]) => text === input.value)?.[0]);
      change();
    });
  } else {
    const number = kind !== "str";
    input = make(number ? "input" : "textarea", {value: given ?? "", placeholder: usual, ...(number ? {
      type: "number", min: setting.least ?? "", max: setting.most ?? "", step: kind === "int" ? 1 : "any"} : {rows: 1})});
    input.addEventListener("input", () => {
      say(values, name, input.value === "" ? undefined : number ? Number(input.value) : input.value);
      change();
    });
  }
  input.name = name;
  return make("label", {}, name.replaceAll("_", " "), input, make("small", {textContent: setting.help}));
}

// Scenes

async function draw(order) {
  await ask("/api/draw", {film: $("with-film").checked, papers: $("with-papers").checked, ...order});
}

async function drawPlan() {
  await draw({story, ...withPicture()});
  edited = false;
  const known = new Map((plan.sets_aside ? [] : folder.scenes ?? []).map(scene => [scene.id, scene]));
  folder.scenes = plan.shots.map(shot => known.get(shot.id) ?? {...shot, prompt: shot.words, takes: [], chosen: null});
  showCards();
  $("scenes").scrollIntoView({behavior: "smooth"});
}

function showCards() {
  const scenes = folder.scenes ?? [];
  show($("scenes"), scenes.length);
  const focused = document.activeElement?.closest?.(".card")?.dataset.id;
  $("cards").replaceChildren(...scenes.map(card));
  if (focused) cardOf(focused)?.focus();
  const stale = folder.stale ?? [];
  show($("cascade"), stale.length);
  $("cascade").textContent = `Draw again what grew from another take (${stale.length})`;
  showBusy();
}

const cardOf = id => [...$("cards").children].find(each => each.dataset.id === id);
const plainWords = prompt => prompt.replace(/^Next Scene: /, "");

function card(scene) {
  const chosen = scene.takes.find(each => each.number === scene.chosen);
  const picture = chosen?.picture
    ? make("img", {src: chosen.picture, alt: `${scene.called}: ${plainWords(scene.prompt)}`, loading: "lazy"})
    : make("div", {className: "blank", textContent: chosen ? "withheld by the safety checker" : "still to be drawn"});
  const badges = [...(scene.stale ? ["grew from another take"] : []), ...(scene.draft ? ["draft"] : []), ...(chosen?.noticed ?? [])];
  const takes = scene.takes.length > 1 ? [make("div", {className: "takes", role: "group", ariaLabel: "Takes"}, ...scene.takes.map(each => takeButton(scene, each)))] : [];
  const element = make("article", {className: "card", tabIndex: 0, ariaLabel: scene.called, onkeydown: event => onCardKey(event, scene)},
    picture,
    make("div", {},
      make("h3", {}, scene.called, ...badges.map(text => make("span", {className: "badge", textContent: text}))),
      make("p", {textContent: plainWords(scene.prompt)}),
      ...takes,
      make("div", {className: "buttons"},
        make("button", {type: "button", className: "retake", textContent: "New take", title: "Draw only this scene again, with other noise (R)", onclick: () => retake(scene)}),
        button("Edit words", "Edit its words in the plan (E)", () => editWords(scene)),
      ),
    ),
  );
  element.dataset.id = scene.id;
  if (scene.size) element.style.setProperty("--shape", scene.size.join(" / "));
  return element;
}

function takeButton(scene, each) {
  const about = each.current ? `Choose take ${each.number}` : `Take ${each.number}, of other words: ${plainWords(each.prompt)}`;
  const inner = each.picture ? make("img", {src: each.picture, alt: "", loading: "lazy"}) : "withheld";
  const choice = make("button", {type: "button", title: about, ariaLabel: about, ariaPressed: String(each.number === scene.chosen), onclick: () => choose(scene, each)}, inner, make("span", {textContent: each.number}));
  choice.dataset.usable = each.current ? "yes" : "";
  return choice;
}

const retake = scene => attempt(() => draw({retake: [scene.id]}));

function choose(scene, each) {
  if (each.current && each.number !== scene.chosen) attempt(() => draw({use: [`${scene.id}:${each.number}`]}));
}

function editWords(scene) {
  const line = [...$("rows").children].find(each => each.dataset.id === scene.id);
  line?.querySelector("textarea").focus();
}

function onCardKey(event, scene) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = {ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling"}[event.key];
  if (to) event.currentTarget[to]?.focus();
  else if (event.key === "r" && !busy()) retake(scene);
  else if (event.key === "e") editWords(scene);
  else if (/^[1-9]$/.test(event.key) && !busy()) {
    const each = scene.takes.find(take => take.number === Number(event.key));
    if (each) choose(scene, each);
  } else return;
  event.preventDefault();
}

// The film, and what can be downloaded

function showFilm() {
  const film = folder.film, video = $("video");
  show($("film"), film);
  if (!film) return;
  if (video.getAttribute("src") !== film.address) {
    video.replaceChildren(...(film.captions ? [make("track", {kind: "captions", src: film.captions, label: "Captions", srclang: "und", default: true})] : []));
    video.src = film.address;
  }
  const named = new Map(folder.scenes.map(scene => [scene.id, scene]));
  $("chapters").replaceChildren(...Object.entries(film.starts).map(([id, start]) => {
    const scene = named.get(id);
    const chapter = make("button", {type: "button", onclick: () => { video.currentTime = start; }},
      make("time", {textContent: clock(start)}), scene ? plainWords(scene.prompt) : id);
    chapter.dataset.start = start;
    return make("li", {}, chapter);
  }));
  $("film-notes").replaceChildren(...film.notes.map(note => make("li", {textContent: note})));
}

function markChapter() {
  const now = $("video").currentTime + 0.01;
  const chapters = [...$("chapters").querySelectorAll("button")];
  const current = chapters.findLast(each => Number(each.dataset.start) <= now);
  for (const each of chapters) {
    if (each === current) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
}

function showFiles() {
  const files = folder.files ?? [];
  const scenes = files.filter(file => /^scene_\d+\./.test(file.name));
  const others = files.filter(file => !scenes.includes(file));
  show($("files"), files.length);
  const link = (address, name, about) => make("li", {}, make("a", {href: address, download: name, textContent: name}), ` ${about}`);
  const size = bytes => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  $("downloads").replaceChildren(
    ...(scenes.length ? [link("/pictures.zip", "scenes.zip", plural(scenes.length, "picture"))] : []),
    ...others.map(file => link(file.address, file.name, size(file.bytes))),
  );
}

// What is being done

const busy = () => !["idle", "done", "stopped", "failed"].includes(status.stage);

function showBusy() {
  for (const each of document.querySelectorAll(".retake, #cascade, #draw")) each.disabled = busy();
  for (const each of document.querySelectorAll(".takes button")) each.disabled = busy() || !each.dataset.usable;
  show($("work"), busy());
}

function doing() {
  const {stage, done, of, left} = status;
  if (status.stopping) return "Stopping at the next step ...";
  if (!["drawing", "moving"].includes(stage)) {
    const said = {beginning: "Beginning", loading: "Loading the model", narration: "Speaking", sound: "Mixing the sound", film: "Cutting the film"}[stage];
    return said ? `${said} ...` : "";
  }
  if (done === of) return "Finishing ...";
  const scene = folder.scenes?.find(each => each.id === status.scene);
  const what = stage === "drawing" ? "Drawing" : "Making the clip of";
  return `${what} ${scene?.called ?? ""}: ${done} of ${of} done${left === null ? "" : `, about ${spell(left)} left`}`;
}

async function onStatus(found) {
  const before = status;
  status = found;
  const {stage, scene, done, of, share} = status;
  $("status").textContent = doing();
  $("share").value = of ? (done + share) / of : share;
  for (const each of $("cards").children) each.classList.toggle("drawing", busy() && each.dataset.id === scene);
  showBusy();
  if (!busy() && before.stage !== stage) {
    complain(status.problem ?? "");
    await load();
    complain(status.problem ?? "");
  }
}

function onScene(found) {
  folder.scenes ??= [];
  const at = folder.scenes.findIndex(each => each.id === found.id);
  if (at < 0) folder.scenes.push(found);
  else folder.scenes[at] = found;
  showCards();
}

function follow() {
  const events = new EventSource("/api/events");
  events.addEventListener("status", event => onStatus(JSON.parse(event.data)).catch(error => complain(error.message)));
  events.addEventListener("scene", event => onScene(JSON.parse(event.data)));
}

// What a person does

function dropInto(area) {
  area.addEventListener("dragover", event => { event.preventDefault(); area.classList.add("over"); });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", event => {
    area.classList.remove("over");
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    attempt(() => readFile(file));
  });
}

async function readFile(file) {
  if (file.size > 7e6 && file.type.startsWith("image/")) throw new Error(`${file.name} is larger than 7 MB: make it smaller first.`);
  if (file.type.startsWith("image/")) return takePicture(file);
  if (file.size > 10e6) throw new Error(`${file.name} is larger than 10 MB: no story is.`);
  $("text").value = await file.text();
  await planText($("text").value);
}

$("show-plan").addEventListener("click", () => attempt(() => planText($("text").value)));
$("file").addEventListener("change", event => attempt(() => readFile(event.target.files[0])));
$("picture").addEventListener("change", event => attempt(() => readFile(event.target.files[0])));
$("no-picture").addEventListener("click", () => attempt(() => takePicture(null)));
$("add").addEventListener("click", () => rearrange(scenes => scenes.push({prompt: "", id: newId()}), story.scenes.length));
$("draw").addEventListener("click", () => attempt(drawPlan));
$("forget").addEventListener("click", () => attempt(() => take(folder.story, false)));
$("cascade").addEventListener("click", () => attempt(() => draw({cascade: true})));
$("stop").addEventListener("click", () => attempt(() => ask("/api/stop", {})));
$("video").addEventListener("timeupdate", markChapter);
dropInto($("text"));
document.addEventListener("keydown", event => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  if (event.target === $("text")) attempt(() => planText($("text").value));
  else if (plan && !busy()) attempt(drawPlan);
});
addEventListener("beforeunload", event => { if (edited) event.preventDefault(); });

await attempt(async () => {
  form = await ask("/api/form");
  await load();
  $("writer").replaceChildren(...folder.writers.map(name => make("option", {value: name, textContent: name})));
  show($("writers"), folder.writers.length > 1);
});
follow();
