package usage

import "path"

// dialect describes how a language writes strings and comments.
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
	brace, sharp      bool // "{x}" with f or $ before it; "#{x}"
	dollar            bool // "$x"
	stop              *[256]bool
}

var (
	goLike     = completeDialect(dialect{slash: true, template: 'r'})
	cLike      = completeDialect(dialect{slash: true, triple: true, adjacent: true})
	jvm        = completeDialect(dialect{slash: true, triple: true, dollar: true})
	csharp     = completeDialect(dialect{slash: true, triple: true, raw: 'c', brace: true})
	script     = completeDialect(dialect{slash: true, single: true, template: 't', regex: true})
	python     = completeDialect(dialect{hash: true, single: true, triple: true, adjacent: true, brace: true})
	ruby       = completeDialect(dialect{hash: true, single: true, multi: true, heredoc: true, symbols: true, sharp: true, adjacent: true})
	elixir     = completeDialect(dialect{hash: true, triple: true, multi: true, symbols: true, sharp: true})
	php        = completeDialect(dialect{slash: true, hash: true, single: true, multi: true, heredoc: true, dollar: true})
	rust       = completeDialect(dialect{slash: true, multi: true, raw: 'r', brace: true})
	shell      = completeDialect(dialect{hash: true, single: true, multi: true, heredoc: true, dollar: true})
	functional = completeDialect(dialect{dash: true, multi: true})

	dialects = map[string]*dialect{
		".go": goLike, ".templ": goLike, ".gotmpl": goLike,
		".c": cLike, ".cc": cLike, ".cpp": cLike, ".h": cLike, ".hpp": cLike, ".m": cLike, ".zig": cLike, ".d": cLike, ".nim": python,
		".java": jvm, ".kt": jvm, ".kts": jvm, ".scala": jvm, ".groovy": jvm, ".swift": jvm, ".dart": completeDialect(dialect{
			slash:  true,
			single: true,
			triple: true,
			dollar: true,
		}),
		".cs": csharp, ".vb": csharp, ".fs": csharp, ".razor": csharp, ".cshtml": csharp,
		".js": script, ".jsx": script, ".ts": script, ".tsx": script, ".mjs": script, ".cjs": script, ".mts": script, ".cts": script, ".vue": script, ".svelte": script, ".astro": script,
		".py": python, ".pyx": python, ".jl": python,
		".rb": ruby, ".rake": ruby, ".cr": ruby,
		".ex": elixir, ".exs": elixir, ".erl": elixir,
		".php": php, ".pl": completeDialect(dialect{hash: true, single: true, multi: true, heredoc: true, dollar: true}), ".pm": shell,
		".rs": rust, ".sh": shell, ".lua": functional, ".hs": functional, ".ml": functional, ".clj": functional, ".cljs": functional,
		".r": python, ".R": python,
	}
)

// dialectOf returns the dialect of a file; nil for a file without a program's strings.
func dialectOf(file string) *dialect { return dialects[path.Ext(file)] }

func completeDialect(d dialect) *dialect {
	d.stop = &[256]bool{'"': true, '\'': true}
	d.stop['`'] = d.template != 0
	d.stop['/'] = d.slash
	d.stop['#'] = d.hash
	d.stop['-'] = d.dash
	d.stop['<'] = d.heredoc
	d.stop[':'] = d.symbols
	return &d
}
