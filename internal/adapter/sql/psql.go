package sql

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// psql -1 (--single-transaction) puts BEGIN and COMMIT around a file, and psql -c sends
// its text as one message. Whether a directory is run so stands in the project's own scripts: a Makefile, the steps
// of a pipeline, a shell script.

// How psql sends a file: in a transaction with -1; its text as one message with -c; else
// statement by statement, which is what is meant where nothing is said.
var (
	psqlOnce = runner{
		name: "psql -1", apart: "a file of its own that is run without -1",
		beside:  func(p *place) bool { c := calledByPsql(p); return c.by == once && p.told(c.in) },
		session: eachBySelf, mode: onward.TransactionFile, loose: true, send: byPsql,
	}
	psqlText = runner{
		name: "psql -c", apart: psqlTextApart,
		beside:  func(p *place) bool { c := calledByPsql(p); return c.by == text && p.told(c.in) },
		session: eachBySelf, mode: onward.TransactionMessage, whole: true,
	}
	// The script may be one for developers, and nothing of what it says is meant.
	psql = runner{
		name: "psql", assumed: true,
		beside:  func(p *place) bool { c := calledByPsql(p); return c.by == statements && c.in != "" && p.told(c.in) },
		session: eachBySelf, loose: true, send: byPsql,
	}
	// nobody is who runs a directory of which nothing is said: it is taken for psql.
	nobody = runner{
		session: eachBySelf, loose: true, assumed: true, send: byPsql,
	}
)

const psqlTextApart = "a file of its own: a file of one statement is sent without a transaction"

// eachBySelf reports whether psql is called for each file.
func eachBySelf(p *place) bool { return calledByPsql(p).each }

// byPsql notes that psql reads the file, and keeps its own commands to itself.
func byPsql(f *file) {
	o := f.options.Transaction
	f.m.Source.Psql = o != onward.TransactionMessage && o != onward.TransactionPipeline
}

var (
	scripts = regexp.MustCompile(`(?i)(?:^|/)(?:(?:gnu)?makefile|\.?justfile|taskfile\.ya?ml|jenkinsfile|procfile|package\.json|\.gitlab-ci\.yml|[^/]*-pipelines?\.ya?ml|(?:docker-)?compose[^/]*\.ya?ml|[^/]*\.(?:mk|sh|bash|zsh))$|^\.(?:github|circleci|gitlab)/.*\.ya?ml$|(?:^|/)(?:bin|scripts?)/[^/.]+$`)
	// The program, or the variable of a Makefile that has it with its options.
	psqlCall = regexp.MustCompile(`\bpsql\b|\$[({]?PSQL\b`)
	psqlVar  = regexp.MustCompile(`(?m)^\s*(?:export\s+)?PSQL\s*[:?]?=.*\bpsql\b.*$`)
	// What it is sent: the argument of -f, standard input.
	psqlFile = regexp.MustCompile(`(?:\s-[a-zA-Z0-9]*f\s*|\s--file[\s=]\s*|<\s*|\bcat\s+)([^\s;|)]+)`)
	// The text of a file, as one command.
	psqlCommand = regexp.MustCompile(`\s(?:-[a-zA-Z]*c|--command)[\s=]*["']?\$\((?:cat\s+|<\s*)["']?([^\s;|)"']+)`)
	psqlSingle  = regexp.MustCompile(`\s(?:-[a-zA-Z]*1[a-zA-Z]*|--single-transaction)(?:["'\s,)]|$)`)
)

// call is how psql is called, by which script; for each file by itself, or not.
type call struct {
	by   way
	in   string
	each bool
}

// way is how psql sends a file.
type way int

const (
	statements way = iota
	once
	text
	several // of these
)

// calledByPsql is how the scripts that name a directory send its files by psql; in no
// script where they do not.
func calledByPsql(p *place) call {
	return adapter.Once(p.tree, "psql for "+p.Path, func() call { return psqlCalls(p.tree, p.Path) })
}

func psqlCalls(t adapter.Tree, dir string) call {
	var how call
	base := path.Base(dir)
	if base == "." {
		return how
	}
	for _, script := range psqlScripts(t) {
		if !strings.Contains(script.text, base) {
			continue
		}
		for _, c := range calls(script.text, base) {
			c.in = script.path
			switch {
			case how.in == "":
				how = c
			case how.by != c.by:
				return call{by: several, in: how.in, each: c.each && how.each}
			default:
				how.each = how.each && c.each
			}
		}
	}
	return how
}

// caller is a script that calls psql.
type caller struct{ path, text string }

// psqlScripts are those scripts, read once.
func psqlScripts(t adapter.Tree) []caller {
	return adapter.Once(t, "psql scripts", func() []caller {
		var out []caller
		for _, p := range t.Paths() {
			if !mayBeScript(p) || !scripts.MatchString(p) {
				continue
			}
			if content, err := t.Read(p); err == nil && (bytes.Contains(content, []byte("psql")) || bytes.Contains(content, []byte("PSQL"))) && psqlCall.Match(content) {
				out = append(out, caller{p, string(content)})
			}
		}
		return out
	})
}

// mayBeScript tells by its ending that a file is none: most are code, and the whole
// pattern costs much more.
func mayBeScript(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case "", ".mk", ".sh", ".bash", ".zsh", ".yml", ".yaml":
		return true
	case ".json":
		return strings.EqualFold(path.Base(p), "package.json")
	}
	return strings.LastIndexByte(path.Base(p), '.') == 0 // .justfile
}

// calls lists how a script calls psql for the files of a directory. A file with
// another name is none of them.
func calls(script, base string) []call {
	var out []call
	variable := psqlSingle.MatchString(psqlVar.FindString(script))
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		// Commands of one line are told apart: only one of them may send a file.
		for command := range strings.SplitSeq(line, ";") {
			for command := range strings.SplitSeq(command, "&&") {
				m, how := psqlFile.FindStringSubmatch(command), statements
				if sent := psqlCommand.FindStringSubmatch(command); sent != nil {
					m, how = sent, text
				}
				if m == nil || !psqlCall.MatchString(command) || !strings.Contains(m[1], "$") && !strings.Contains(m[1], base) {
					continue
				}
				if psqlSingle.MatchString(command) || variable && strings.Contains(command, "PSQL") {
					how = once
				}
				out = append(out, call{by: how, each: strings.Contains(m[1], "$")})
			}
		}
	}
	return out
}
