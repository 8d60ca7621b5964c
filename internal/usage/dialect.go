package usage

import "path"

// dialect is how a language writes strings and comments.
type dialect struct {
	slash, hash, dash bool // comments: // and /* */, #, --
	single            bool // '…' is a string; else a character
	triple            bool // """…"""
	multi             bool // "…" goes over lines
	template          byte // `…`: 'r' raw, 't' with ${…}
	raw               byte // 'r' Rust's r#"…"#, 'c' C#'s @"…"
	heredoc           bool // <<SQL
	symbols           bool // :name
	regex             bool // /…/
	adjacent          bool // "a" "b" is one string
	brace, sharp      bool // "{x}" with f or $ in front; "#{x}"
	dollar            bool // "$x"
	stop              *[256]bool
}

var (
	goLike     = made(dialect{slash: true, template: 'r'})
	cLike      = made(dialect{slash: true, triple: true, adjacent: true})
	jvm        = made(dialect{slash: true, triple: true, dollar: true})
	csharp     = made(dialect{slash: true, triple: true, raw: 'c', brace: true})
	script     = made(dialect{slash: true, single: true, template: 't', regex: true})
	python     = made(dialect{hash: true, single: true, triple: true, adjacent: true, brace: true})
	ruby       = made(dialect{hash: true, single: true, multi: true, heredoc: true, symbols: true, sharp: true, adjacent: true})
	elixir     = made(dialect{hash: true, triple: true, multi: true, symbols: true, sharp: true})
	php        = made(dialect{slash: true, hash: true, single: true, multi: true, heredoc: true, dollar: true})
	rust       = made(dialect{slash: true, multi: true, raw: 'r', brace: true})
	shell      = made(dialect{hash: true, single: true, multi: true, heredoc: true, dollar: true})
	functional = made(dialect{dash: true, multi: true})

	dialects = map[string]*dialect{
		".go": goLike, ".templ": goLike, ".gotmpl": goLike,
		".c": cLike, ".cc": cLike, ".cpp": cLike, ".h": cLike, ".hpp": cLike, ".m": cLike, ".zig": cLike, ".d": cLike, ".nim": python,
		".java": jvm, ".kt": jvm, ".kts": jvm, ".scala": jvm, ".groovy": jvm, ".swift": jvm, ".dart": made(dialect{slash: true, single: true, triple: true, dollar: true}),
		".cs": csharp, ".vb": csharp, ".fs": csharp, ".razor": csharp, ".cshtml": csharp,
		".js": script, ".jsx": script, ".ts": script, ".tsx": script, ".mjs": script, ".cjs": script, ".mts": script, ".cts": script, ".vue": script, ".svelte": script, ".astro": script,
		".py": python, ".pyx": python, ".jl": python,
		".rb": ruby, ".rake": ruby, ".cr": ruby,
		".ex": elixir, ".exs": elixir, ".erl": elixir,
		".php": php, ".pl": made(dialect{hash: true, single: true, multi: true, heredoc: true, dollar: true}), ".pm": shell,
		".rs": rust, ".sh": shell, ".lua": functional, ".hs": functional, ".ml": functional, ".clj": functional, ".cljs": functional,
		".r": python, ".R": python,
	}
)

// dialectOf is the dialect of a file; nil for what has no strings of a program.
func dialectOf(file string) *dialect { return dialects[path.Ext(file)] }

func made(d dialect) *dialect {
	d.stop = &[256]bool{'"': true, '\'': true}
	d.stop['`'] = d.template != 0
	d.stop['/'] = d.slash
	d.stop['#'] = d.hash
	d.stop['-'] = d.dash
	d.stop['<'] = d.heredoc
	d.stop[':'] = d.symbols
	return &d
}
