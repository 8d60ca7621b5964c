package lexer

import (
	"path"
)

// Language describes how a language writes strings and comments.
type Language struct {
	slash, hash, dash bool       // comments: // and /* */, #, --
	single            bool       // '…' is a string; else a character
	triple            bool       // """…"""
	multi             bool       // "…" goes over lines
	template          byte       // `…`: 'r' raw, 't' with ${…}
	raw               byte       // 'r' Rust's r#"…"#, 'c' C#'s @"…"
	heredoc           bool       // <<SQL
	symbols           bool       // :name
	regex             bool       // /…/
	Adjacent          bool       // "a" "b" is one string
	Brace, sharp      bool       // "{x}" with f or $ before it; "#{x}"
	Dollar            bool       // "$x"
	stop              *[256]bool // the bytes at which a string or a comment may begin
}

var (
	Go         = completeDialect(Language{slash: true, template: 'r'})
	cLike      = completeDialect(Language{slash: true, triple: true, Adjacent: true})
	JVM        = completeDialect(Language{slash: true, triple: true, Dollar: true})
	CSharp     = completeDialect(Language{slash: true, triple: true, raw: 'c', Brace: true})
	script     = completeDialect(Language{slash: true, single: true, template: 't', regex: true})
	Python     = completeDialect(Language{hash: true, single: true, triple: true, Adjacent: true, Brace: true})
	Ruby       = completeDialect(Language{hash: true, single: true, multi: true, heredoc: true, symbols: true, sharp: true, Adjacent: true})
	Elixir     = completeDialect(Language{hash: true, triple: true, multi: true, symbols: true, sharp: true})
	php        = completeDialect(Language{slash: true, hash: true, single: true, multi: true, heredoc: true, Dollar: true})
	Rust       = completeDialect(Language{slash: true, multi: true, raw: 'r', Brace: true})
	shell      = completeDialect(Language{hash: true, single: true, multi: true, heredoc: true, Dollar: true})
	functional = completeDialect(Language{dash: true, multi: true})

	dialects = map[string]*Language{
		".go": Go, ".templ": Go, ".gotmpl": Go,
		".c": cLike, ".cc": cLike, ".cpp": cLike, ".h": cLike, ".hpp": cLike, ".m": cLike, ".zig": cLike, ".d": cLike, ".nim": Python,
		".java": JVM, ".kt": JVM, ".kts": JVM, ".scala": JVM, ".groovy": JVM, ".swift": JVM, ".dart": completeDialect(Language{
			slash:  true,
			single: true,
			triple: true,
			Dollar: true,
		}),
		".cs": CSharp, ".vb": CSharp, ".fs": CSharp, ".razor": CSharp, ".cshtml": CSharp,
		".js": script, ".jsx": script, ".ts": script, ".tsx": script, ".mjs": script, ".cjs": script, ".mts": script, ".cts": script, ".vue": script, ".svelte": script, ".astro": script,
		".py": Python, ".pyx": Python, ".jl": Python,
		".rb": Ruby, ".rake": Ruby, ".cr": Ruby,
		".ex": Elixir, ".exs": Elixir, ".erl": Elixir,
		".php": php, ".pl": completeDialect(Language{hash: true, single: true, multi: true, heredoc: true, Dollar: true}), ".pm": shell,
		".rs": Rust, ".sh": shell, ".lua": functional, ".hs": functional, ".ml": functional, ".clj": functional, ".cljs": functional,
		".r": Python, ".R": Python,
	}
)

// LanguageOf returns the dialect of a file; nil for a file without a program's strings.
func LanguageOf(file string) *Language { return dialects[path.Ext(file)] }

func completeDialect(d Language) *Language {
	d.stop = &[256]bool{'"': true, '\'': true}
	d.stop['`'] = d.template != 0
	d.stop['/'] = d.slash
	d.stop['#'] = d.hash
	d.stop['-'] = d.dash
	d.stop['<'] = d.heredoc
	d.stop[':'] = d.symbols
	return &d
}
