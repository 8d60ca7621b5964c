package sql

import (
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// psql -1 (--single-transaction) puts BEGIN and COMMIT around a file. Whether a
// directory is run so stands in the project's own scripts: a Makefile, the steps
// of a pipeline, a shell script.

var (
	scripts = regexp.MustCompile(`(?i)(?:^|/)(?:(?:gnu)?makefile|\.?justfile|taskfile\.ya?ml|jenkinsfile|procfile|package\.json|\.gitlab-ci\.yml|[^/]*-pipelines?\.ya?ml|(?:docker-)?compose[^/]*\.ya?ml|[^/]*\.(?:mk|sh|bash|zsh))$|^\.(?:github|circleci|gitlab)/.*\.ya?ml$|(?:^|/)(?:bin|scripts?)/[^/.]+$`)
	// The program, or the variable of a Makefile that has it with its options.
	psqlCall = regexp.MustCompile(`\bpsql\b|\$[({]?PSQL\b`)
	psqlVar  = regexp.MustCompile(`(?m)^\s*(?:export\s+)?PSQL\s*[:?]?=.*\bpsql\b.*$`)
	// What it is sent: the argument of -f, standard input.
	psqlFile   = regexp.MustCompile(`(?:\s-[a-zA-Z0-9]*f\s*|\s--file[\s=]\s*|<\s*|\bcat\s+)([^\s;|)]+)`)
	psqlSingle = regexp.MustCompile(`\s(?:-[a-zA-Z]*1[a-zA-Z]*|--single-transaction)(?:["'\s,)]|$)`)
)

// sentOnce reports whether the scripts that name a directory send its files by
// psql -1, all of them.
func sentOnce(t adapter.Tree, dir string) bool {
	base := path.Base(dir)
	if base == "." {
		return false
	}
	once := false
	for _, text := range psqlScripts(t) {
		if strings.Contains(text, base) {
			with, without := calls(text, base)
			if without {
				return false
			}
			once = once || with
		}
	}
	return once
}

// psqlScripts are the texts of the scripts that call psql, read once.
func psqlScripts(t adapter.Tree) []string {
	return adapter.Once(t, "psql scripts", func() []string {
		var out []string
		for _, p := range t.Paths() {
			if strings.HasSuffix(p, ".sql") || !scripts.MatchString(p) {
				continue
			}
			if content, err := t.Read(p); err == nil && psqlCall.Match(content) {
				out = append(out, string(content))
			}
		}
		return out
	})
}

// calls reports how a script calls psql for the files of a directory: with -1,
// and without. A file with another name is none of them.
func calls(script, base string) (with, without bool) {
	variable := psqlSingle.MatchString(psqlVar.FindString(script))
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		// Commands of one line are told apart: only one of them may send a file.
		for command := range strings.SplitSeq(line, ";") {
			for command := range strings.SplitSeq(command, "&&") {
				m := psqlFile.FindStringSubmatch(command)
				if m == nil || !psqlCall.MatchString(command) || !strings.Contains(m[1], "$") && !strings.Contains(m[1], base) {
					continue
				}
				if psqlSingle.MatchString(command) || variable && strings.Contains(command, "PSQL") {
					with = true
				} else {
					without = true
				}
			}
		}
	}
	return with, without
}
