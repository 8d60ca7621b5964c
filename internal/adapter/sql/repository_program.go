package sql

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// A directory without a tool is often run by a program of the project's own. It reads each file
// and gives its text to the driver: one message, in a transaction if the program opens one.

var ownProgram = runner{
	detectNearby: func(p *migrationDir) bool {
		program := findRepositoryProgram(p.tree, p.Path)
		return program != nil && p.recordEvidence(program.path)
	},
	whole: true, assumed: true,
	send: func(f *file) {
		program := findRepositoryProgram(f.tree, path.Dir(f.m.Path))
		if program == nil {
			return // in a subdirectory, so the name differs
		}
		f.mode, f.m.Runner.Name = program.mode, program.path
		f.m.Runner.Apart = "a step of the deploy of its own: " + program.path + " runs files in a transaction"
		if program.mode == onward.TransactionMessage {
			f.m.Runner.Apart = psqlTextApart
		}
	},
}

// repositoryProgram is a program of the project that runs the files of a directory.
type repositoryProgram struct {
	path string
	mode onward.Transaction
}

// reader has the patterns for programs of one language: how they read a file, and how they send
// its text. begin matches code that opens a transaction. apart, if set, matches a call that
// sends without one although the language has an implicit one.
type reader struct {
	read, send   *lazyregexp.Regexp
	begin, apart *lazyregexp.Regexp
}

var readers = map[string]reader{
	".js": {
		read:  lazyregexp.New(`\breadFile(?:Sync)?\(|\bBun\.file\(|\bDeno\.readTextFile(?:Sync)?\(`),
		send:  lazyregexp.New(`\.(?:query|unsafe)\(`),
		begin: lazyregexp.New("(?i)\\.query\\(\\s*[\"'`]\\s*(?:begin|start transaction)\\b|\\.begin\\("),
	},
	".go": {
		read:  lazyregexp.New(`\b(?:\w+\.)?ReadFile\(`),
		send:  lazyregexp.New(`\.Exec(?:Context)?\(`),
		begin: lazyregexp.New(`\bBegin(?:x|Tx|Txx|Func|TxFunc)?\(`),
	},
	".py": {
		read:  lazyregexp.New(`\.read_text\(|\bopen\([^\n]*\)\.read\(\)|\b\w+\.read\(\)`),
		send:  lazyregexp.New(`\.execute\(`),
		begin: lazyregexp.New(`\b(?:import\s+psycopg2?\b|from\s+psycopg2?\b)|\.transaction\(\)|\.begin\(\)`),
		apart: lazyregexp.New(`\bautocommit\s*=\s*True\b|ISOLATION_LEVEL_AUTOCOMMIT|["']AUTOCOMMIT["']`),
	},
}

// readerForExtension returns the reader of a language, by the extension of its files.
func readerForExtension(ext string) (reader, bool) {
	switch ext {
	case ".mjs", ".cjs", ".ts", ".mts", ".cts":
		ext = ".js"
	}
	r, ok := readers[ext]
	return r, ok
}

var (
	ownPath = lazyregexp.New(`(?i)migrat|(?:^|/)(?:db|database|deploy|scripts?|bin|tools?|cmd)(?:/|\.[a-z]+$)`)
	ofTests = lazyregexp.New(`(?i)(?:^|[/._-])(?:tests?|e2e|spec|testdata|testutils?|fixtures|examples?|node_modules|vendor)(?:[/._-]|$)`)
	// cutting matches code that splits the text, or treats some files differently: such a
	// program is not understood.
	cutting = lazyregexp.New(`(?i)split\w*\([^)\n]*["'/` + "`" + `;]*;|sqlparse|split_?(?:sql|statements)|concurrently|no[-_ ]?transaction`)
	// resultVariable matches the variable that gets a call's result.
	resultVariable = lazyregexp.New(`(\w+)\s*(?:,\s*\w+\s*)?(?::\s*\w+\s*)?:?=\s*(?:await\s+)?[\w.]*$`)
)

// maxOwn is how many programs are read.
const maxOwn = 200

// findRepositoryProgram returns the program that sends the files of a directory; nil if there is none, or if
// several differ.
func findRepositoryProgram(t adapter.Tree, dir string) *repositoryProgram {
	base := path.Base(dir)
	if base == "." || base == "/" {
		return nil
	}
	return adapter.Memoize(t, "program that runs "+dir, func() *repositoryProgram {
		// The directory may be an argument of a call to a program that has no directory of its
		// own: Migrate(ctx, "db/migrations").
		telling := lazyregexp.New("\\w*[mM]igrat\\w*\\([^()\n]*[\"'`/]" + regexp.QuoteMeta(base) + "/?[\"'`]")
		var found, candidate *repositoryProgram
		tells, several := false, false
		n := 0
		ownPaths, tests := adapter.NewNames(ownPath), adapter.NewNames(ofTests)
		for _, p := range t.Paths() {
			r, ok := readerForExtension(path.Ext(p))
			if !ok || !ownPaths.Match(p) || tests.Match(p) || strings.HasSuffix(p, "_test.go") || strings.HasSuffix(p, ".d.ts") {
				continue
			}
			if n++; n > maxOwn {
				return nil
			}
			text := adapter.ReadFile(t, p).Text
			says := strings.Contains(text, base)
			tells = tells || says && hasMatchingLine(text, base, telling)
			names := says && hasQuotedWord(text, base)
			if !names && !strings.Contains(path.Base(p), "migrat") || !r.sendsFileText(text) {
				continue
			}
			mode := r.transactionMode(text)
			switch {
			case !names:
				several = several || candidate != nil || mode == ""
				candidate = &repositoryProgram{p, mode}
			case mode == "" || found != nil && found.mode != mode:
				return nil
			case found == nil:
				found = &repositoryProgram{p, mode}
			}
		}
		if found == nil && tells && !several {
			return candidate
		}
		return found
	})
}

// hasMatchingLine reports whether a line of a text has a word and matches a pattern, which cannot match more than one line.
func hasMatchingLine(text, word string, pattern *lazyregexp.Regexp) bool {
	for pos := 0; ; {
		n := strings.Index(text[pos:], word)
		if n < 0 {
			return false
		}
		from := strings.LastIndexByte(text[:pos+n], '\n') + 1
		end := len(text)
		if length := strings.IndexByte(text[pos+n:], '\n'); length >= 0 {
			end = pos + n + length
		}
		if pos = end; pattern.MatchString(text[from:end]) {
			return true
		}
	}
}

// hasQuotedWord reports whether a text has a word between quotes or slashes.
func hasQuotedWord(text, word string) bool {
	const marks = "\"'`/"
	for pos := 0; ; {
		n := strings.Index(text[pos:], word)
		if n < 0 {
			return false
		}
		from := pos + n
		to := from + len(word)
		if from > 0 && to < len(text) && strings.IndexByte(marks, text[from-1]) >= 0 && strings.IndexByte(marks, text[to]) >= 0 {
			return true
		}
		pos = from + 1
	}
}

// transactionMode returns how a program sends the text of a file; "" if that is not understood.
func (r reader) transactionMode(text string) onward.Transaction {
	switch {
	case cutting.MatchString(text):
		return ""
	case r.begin.MatchString(text) && (r.apart == nil || !r.apart.MatchString(text)):
		return onward.TransactionFile
	}
	return onward.TransactionMessage
}

// sendsFileText reports whether a program gives the text of a file to the driver.
func (r reader) sendsFileText(text string) bool {
	sent := r.send.FindAllStringIndex(text, -1)
	if len(sent) == 0 {
		return false
	}
	var vars []string
	for _, match := range r.read.FindAllStringIndex(text, -1) {
		if m := resultVariable.FindStringSubmatch(text[max(0, match[0]-120):match[0]]); m != nil {
			vars = append(vars, m[1])
		}
	}
	return slices.ContainsFunc(sent, func(match []int) bool {
		call := text[match[1]:min(len(text), match[1]+160)]
		call, _, _ = strings.Cut(call, "\n\n")
		if n := strings.IndexAny(call, ";\n"); n >= 0 {
			call = call[:n]
		}
		return r.read.MatchString(call) || slices.ContainsFunc(vars, func(v string) bool {
			return lazyregexp.New(`\b` + regexp.QuoteMeta(v) + `\b`).MatchString(call)
		})
	})
}
