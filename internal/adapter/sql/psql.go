package sql

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/psqlfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// psql -1 (--single-transaction) puts BEGIN and COMMIT around a file, and psql -c sends its text as one message.
// The project's own scripts show whether a directory is run so: a Makefile, the steps of a pipeline, a shell
// script.

// The ways in which psql sends a file: in a transaction with -1; its text as one message with -c; otherwise
// statement by statement, which is the default.
var (
	psqlOnce = runner{
		name: "psql -1", apart: "a file of its own that is run without -1",
		detectNearby: func(p *migrationDir) bool { c := cachedPsqlCall(p); return c.mode == once && p.recordEvidence(c.in) },
		session:      runsFilesSeparately, mode: onward.TransactionFile, loose: true, send: markReadByPsql,
	}
	psqlText = runner{
		name: "psql -c", apart: psqlTextApart,
		detectNearby: func(p *migrationDir) bool { c := cachedPsqlCall(p); return c.mode == text && p.recordEvidence(c.in) },
		session:      runsFilesSeparately, mode: onward.TransactionMessage, whole: true,
	}
	// This is assumed, because the script may be only for developers, so its options prove nothing.
	psql = runner{
		name: "psql", assumed: true,
		detectNearby: func(p *migrationDir) bool {
			c := cachedPsqlCall(p)
			return c.mode == statements && c.in != "" && p.recordEvidence(c.in)
		},
		session: runsFilesSeparately, loose: true, send: markReadByPsql,
	}
	// nobody is the runner of a directory if nothing says who runs it: psql is assumed.
	nobody = runner{
		session: runsFilesSeparately, loose: true, assumed: true, send: markReadByPsql,
	}
)

const psqlTextApart = "a file of its own: a file of one statement is sent without a transaction"

// runsFilesSeparately reports whether psql is called once for each file.
func runsFilesSeparately(p *migrationDir) bool { return cachedPsqlCall(p).each }

// markReadByPsql records that psql reads the file, so that it handles its own backslash commands.
func markReadByPsql(f *file) {
	o := f.options.Transaction
	f.m.Source.Psql = o != onward.TransactionMessage && o != onward.TransactionPipeline
}

// expandPsqlCommands follows psql's commands in the files that psql reads. A project starts psql in its root, in the directory of the
// files, or between them.
func expandPsqlCommands(p *migrationDir, set *adapter.Set) {
	x := &psqlfile.Expander{Tree: p.tree, Dirs: []string{""}}
	for dir := p.Path; dir != "" && dir != "."; dir = path.Dir(dir) {
		x.Dirs = append(x.Dirs, dir)
	}
	for _, m := range set.Migrations {
		x.Expand(m)
	}
}

var (
	scripts = lazyregexp.New(`(?i)(?:^|/)(?:(?:gnu)?makefile|\.?justfile|taskfile\.ya?ml|jenkinsfile|procfile|package\.json|\.gitlab-ci\.yml|[^/]*-pipelines?\.ya?ml|(?:docker-)?compose[^/]*\.ya?ml|[^/]*\.(?:mk|sh|bash|zsh))$|^\.(?:github|circleci|gitlab)/.*\.ya?ml$|(?:^|/)(?:bin|scripts?)/[^/.]+$`)
	// psqlCall matches the program, or a Makefile's variable that has it with its options.
	psqlCall = lazyregexp.New(`\bpsql\b|\$[({]?PSQL\b`)
	psqlVar  = lazyregexp.New(`(?m)^\s*(?:export\s+)?PSQL\s*[:?]?=.*\bpsql\b.*$`)
	// psqlFile matches the file that psql is sent: the argument of -f, or standard input.
	psqlFile = lazyregexp.New(`(?:\s-[a-zA-Z0-9]*f\s*|\s--file[\s=]\s*|<\s*|\bcat\s+)([^\s;|)]+)`)
	// psqlCommand matches a command that is the text of a file.
	psqlCommand = lazyregexp.New(`\s(?:-[a-zA-Z]*c|--command)[\s=]*["']?\$\((?:cat\s+|<\s*)["']?([^\s;|)"']+)`)
	psqlSingle  = lazyregexp.New(`\s(?:-[a-zA-Z]*1[a-zA-Z]*|--single-transaction)(?:["'\s,)]|$)`)
)

// call is how psql is called, the script that calls it, and whether it is called for each file.
type call struct {
	mode sendMode
	in   string
	each bool
}

// sendMode is how psql sends a file.
type sendMode int

const (
	statements sendMode = iota
	once
	text
	several // more than one of these
)

// cachedPsqlCall returns how the scripts that name a directory send its files by psql. in is "" if no script does.
func cachedPsqlCall(p *migrationDir) call {
	return adapter.Memoize(p.tree, "psql for "+p.Path, func() call { return mergePsqlCalls(p.tree, p.Path) })
}

func mergePsqlCalls(t adapter.Tree, dir string) call {
	var merged call
	base := path.Base(dir)
	if base == "." {
		return merged
	}
	for _, script := range listPsqlScripts(t) {
		if !strings.Contains(script.text, base) {
			continue
		}
		for _, c := range findPsqlCalls(script.text, base) {
			c.in = script.path
			switch {
			case merged.in == "":
				merged = c
			case merged.mode != c.mode:
				return call{mode: several, in: merged.in, each: c.each && merged.each}
			default:
				merged.each = merged.each && c.each
			}
		}
	}
	return merged
}

// caller is a script that calls psql.
type caller struct{ path, text string }

// listPsqlScripts returns those scripts, read once.
func listPsqlScripts(t adapter.Tree) []caller {
	return adapter.Memoize(t, "psql scripts", func() []caller {
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

// mayBeScript reports whether a file may be a script, judged by its extension. It excludes most files before the
// full pattern, which costs much more.
func mayBeScript(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case "", ".mk", ".sh", ".bash", ".zsh", ".yml", ".yaml":
		return true
	case ".json":
		return strings.EqualFold(path.Base(p), "package.json")
	}
	return strings.LastIndexByte(path.Base(p), '.') == 0 // .justfile
}

// findPsqlCalls lists the calls of psql in a script for the files of a directory. A call for a file with another name does
// not count.
func findPsqlCalls(script, base string) []call {
	var out []call
	variable := psqlSingle.MatchString(psqlVar.FindString(script))
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		// The commands of one line are separated: only one of them may send a file.
		for command := range strings.SplitSeq(line, ";") {
			for command := range strings.SplitSeq(command, "&&") {
				m, mode := psqlFile.FindStringSubmatch(command), statements
				if sent := psqlCommand.FindStringSubmatch(command); sent != nil {
					m, mode = sent, text
				}
				if m == nil || !psqlCall.MatchString(command) || !strings.Contains(m[1], "$") && !strings.Contains(m[1], base) {
					continue
				}
				if psqlSingle.MatchString(command) || variable && strings.Contains(command, "PSQL") {
					mode = once
				}
				out = append(out, call{mode: mode, each: strings.Contains(m[1], "$")})
			}
		}
	}
	return out
}
