// What a page does by itself: search, the choice of a scheme, copying of code, and keys. Everything else works without this script.
(() => {
const root = document.currentScript.dataset.root;
const search = document.querySelector("#search"), input = search.querySelector("input"), results = search.querySelector("#results");
// The words of a text, without the s of a plural, as the index has them.
const split = text => [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu)?.map(word => word.replace(/(?<=...)(?<!s)s$/, "")))];
const limit = 20;

let loading;
function loadIndex() {
	loading ??= new Promise((resolve, reject) => {
		const script = document.createElement("script");
		script.src = root + "searchindex.js";
		script.onload = () => resolve({ sections: window.searchIndex.sections, words: Object.entries(window.searchIndex.words) });
		script.onerror = reject;
		document.head.append(script);
	});
	return loading;
}

// How close a word of the pages is to a typed one, which may be its beginning, or have an ending that the pages do not use.
function closeness(word, typed) {
	if (word === typed) return 1;
	if (word.startsWith(typed)) return 0.6;
	return typed.startsWith(word) && /^(e|d|ed|ing)$/.test(typed.slice(word.length)) ? 0.6 : 0;
}

// The sections that have the most of the typed words, best first, and at most two of a page.
function findSections(index, words) {
	const found = new Map();
	for (const typed of words) {
		const weights = new Map();
		for (const [word, list] of index.words) {
			const close = closeness(word, typed);
			for (let i = 0; close > 0 && i < list.length; i += 2)
				weights.set(list[i], Math.max(weights.get(list[i]) ?? 0, close * list[i + 1]));
		}
		for (const [section, weight] of weights) {
			const f = found.get(section) ?? { section, words: 0, weight: 0 };
			found.set(section, { section, words: f.words + 1, weight: f.weight + weight });
		}
	}
	const most = Math.max(...[...found.values()].map(f => f.words)), pages = {};
	return [...found.values()].filter(f => f.words === most).sort((a, b) => b.weight - a.weight || a.section - b.section)
		.map(f => index.sections[f.section]).filter(section => {
			const page = section.address.split("#")[0];
			pages[page] = (pages[page] ?? 0) + 1;
			return pages[page] <= 2;
		}).slice(0, limit);
}

// Some words of a text around the first typed one, with all typed ones marked.
function excerpt(text, words) {
	const p = document.createElement("p"), typed = new RegExp(`(?<![\\p{L}\\p{N}])(${words.join("|")})`, "giu");
	const at = Math.max(0, text.search(typed));
	const start = at < 60 ? 0 : text.indexOf(" ", at - 60) + 1, end = start + 180;
	const cut = text.slice(start, end < text.length ? Math.max(text.lastIndexOf(" ", end), at + 40) : end);
	if (start > 0) p.append("… ");
	cut.split(typed).forEach((piece, i) => {
		const mark = document.createElement("mark");
		mark.textContent = piece;
		p.append(i % 2 ? mark : piece);
	});
	if (start + cut.length < text.length) p.append(" …");
	return p;
}

async function showResults() {
	const query = input.value, words = split(query);
	if (words.length === 0) return hideResults();
	let list;
	try {
		list = findSections(await loadIndex(), words);
	} catch {
		results.replaceChildren("The search's index cannot be loaded.");
		results.hidden = false;
		return;
	}
	if (query !== input.value) return; // more was typed since
	results.replaceChildren(...list.map(section => {
		const a = document.createElement("a"), path = document.createElement("span"), title = document.createElement("b");
		a.href = root + section.address;
		path.textContent = section.path;
		title.textContent = section.title;
		a.append(path, title, excerpt(section.text, words));
		return a;
	}));
	if (list.length === 0) results.append("Nothing is found.");
	results.hidden = false;
	results.scrollTop = 0;
}

function hideResults() {
	results.hidden = true;
	results.replaceChildren();
}

search.hidden = false;
input.addEventListener("focus", () => loadIndex().catch(() => {})); // a failure is shown with the results
input.addEventListener("input", showResults);
input.addEventListener("focus", () => { if (results.hidden) showResults(); });
document.addEventListener("click", event => { if (!search.contains(event.target) || event.target.closest("#results a")) hideResults(); });

document.addEventListener("keydown", event => {
	if (event.altKey || event.ctrlKey || event.metaKey) return;
	if (search.contains(event.target)) {
		const stops = [input, ...results.querySelectorAll("a")], to = stops.indexOf(event.target) + { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (event.key === "Escape") {
			input.value = "";
			hideResults();
			input.blur();
		} else if (event.key === "Enter" && event.target === input) {
			stops[1]?.click();
		} else if (stops[to]) {
			event.preventDefault();
			stops[to].focus();
		}
		return;
	}
	if (event.key === "/" || event.key === "s") {
		event.preventDefault();
		input.focus();
	}
	const turn = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
	if (turn && !event.shiftKey && !event.target.closest(".table-wrapper, pre")) document.querySelector(`.turn [rel=${turn}]`)?.click();
});

// The reader's choice is kept only while it differs from the system's scheme.
const html = document.documentElement, scheme = document.querySelector("#scheme");
scheme.hidden = false;
scheme.addEventListener("click", () => {
	const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
	const other = (html.dataset.scheme || system) === "dark" ? "light" : "dark";
	html.dataset.scheme = other === system ? "" : other;
	try { localStorage.setItem("onward-scheme", html.dataset.scheme) } catch {}
});

const sidebar = document.querySelector("#sidebar"), current = sidebar.querySelector("[aria-current]");
function showCurrent() {
	if (current) sidebar.scrollTop = current.offsetTop - sidebar.clientHeight / 3;
}
sidebar.addEventListener("toggle", showCurrent);
sidebar.addEventListener("click", event => { if (event.target.closest(".headings a") && sidebar.matches(":popover-open")) sidebar.hidePopover(); });
showCurrent();

if (navigator.clipboard) {
	for (const code of document.querySelectorAll("pre > code")) {
		const box = document.createElement("div"), button = document.createElement("button");
		box.className = "code";
		button.type = "button";
		button.textContent = "Copy";
		button.addEventListener("click", async () => {
			await navigator.clipboard.writeText(code.textContent);
			button.textContent = "Copied";
			setTimeout(() => { button.textContent = "Copy" }, 1500);
		});
		code.parentElement.replaceWith(box);
		box.append(code.parentElement, button);
	}
}
})();
