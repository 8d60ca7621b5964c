package sql

import (
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// psql -1 (--single-transaction) puts BEGIN and COMMIT around a file, and psql -c sends
// its text as one message. Whether a directory is run so stands in the project's own scripts: a Makefile, the steps
// of a pipeline, a shell script.

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

// call is how psql is called: psqlOnce for psql -1, psqlText for psql -c, "" for
// statement by statement; for each file by itself, or not.
type call struct {
	by   runner
	each bool
}

// byPsql is how the scripts that name a directory send its files. named says that they
// send them by psql.
func byPsql(t adapter.Tree, dir string) (how call, named bool) {
	base := path.Base(dir)
	if base == "." {
		return call{}, false
	}
	for _, text := range psqlScripts(t) {
		if !strings.Contains(text, base) {
			continue
		}
		for _, c := range calls(text, base) {
			if named && c != how {
				return call{each: c.each && how.each}, true
			}
			how, named = c, true
		}
	}
	return how, named
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

// calls lists how a script calls psql for the files of a directory. A file with
// another name is none of them.
func calls(script, base string) []call {
	var out []call
	variable := psqlSingle.MatchString(psqlVar.FindString(script))
	for line := range strings.Lines(strings.ReplaceAll(script, "\\\n", " ")) {
		// Commands of one line are told apart: only one of them may send a file.
		for command := range strings.SplitSeq(line, ";") {
			for command := range strings.SplitSeq(command, "&&") {
				m, how := psqlFile.FindStringSubmatch(command), runner("")
				if text := psqlCommand.FindStringSubmatch(command); text != nil {
					m, how = text, psqlText
				}
				if m == nil || !psqlCall.MatchString(command) || !strings.Contains(m[1], "$") && !strings.Contains(m[1], base) {
					continue
				}
				if psqlSingle.MatchString(command) || variable && strings.Contains(command, "PSQL") {
					how = psqlOnce
				}
				out = append(out, call{how, strings.Contains(m[1], "$")})
			}
		}
	}
	return out
}
