package hook

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// word is an argument or a text. If the shell computes a part of it, as in app_$(date), known is false and text has the rest.
type word struct {
	text  string
	known bool
}

// invocation is one run of a program.
type invocation struct {
	args []word // the program first
	// env are the variables that the script sets for it.
	env map[string]word
	// place is the container or the machine where it runs; "" for here.
	place string
	dir   string
	stdin *word // nil for none
}

// write is a file that the shell, or a program that it runs, changes.
type write struct {
	path    word
	dir     string
	content *word // nil if it is not known
	appends bool
	// source is the file that mv and cp put at the path, or, with intoDir, into it. moves: it is gone afterwards.
	source         *word
	intoDir, moves bool
	// links: the path is another name of the source afterwards.
	links bool
	// removes: the file, or all files of the directory, are removed. ifThere: the file is changed in place.
	removes, ifThere bool
}

// maxDepth limits scripts that call scripts.
const maxDepth = 8

// scriptReader lists the programs that a shell script runs.
type scriptReader struct {
	getenv func(string) string
	dir    string
	place  string // as in invocation
	vars   map[string]word
	depth  int // of scripts that call scripts
	out    *script
}

// mostBytes limits the values that a script computes, together. A value of more is not known.
const mostBytes = 32 << 20

// script is the result of reading a shell script.
type script struct {
	bytes  int // of values
	runs   []invocation
	writes []write
	// unread are errors of scripts that name a database's tool and cannot be read.
	unread []error
}

// readScript reads a script. dir is the directory in which it runs.
func readScript(text, dir string, getenv func(string) string) *script {
	r := &scriptReader{getenv: getenv, dir: dir, vars: map[string]word{}, out: &script{}}
	r.readScriptText(text, nil)
	return r.out
}

// readScriptText reads the text of a script.
func (r *scriptReader) readScriptText(text string, stdin *word) {
	if r.depth > maxDepth || !r.countBytes(len(text)) {
		return
	}
	r.depth++
	defer func() { r.depth-- }()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		if namesDatabase(text) {
			r.out.unread = append(r.out.unread, err)
		}
		return
	}
	r.walkStatements(file.Stmts, stdin)
}

// countBytes counts the bytes of a value. It reports whether the script's values are within their limit; the script is unread otherwise.
func (r *scriptReader) countBytes(n int) bool {
	if r.out.bytes <= mostBytes {
		if r.out.bytes += n; r.out.bytes > mostBytes {
			r.out.unread = append(r.out.unread, fmt.Errorf("its values have more than %d MB", mostBytes>>20))
		}
	}
	return r.out.bytes <= mostBytes
}

func (r *scriptReader) walkStatements(list []*syntax.Stmt, stdin *word) {
	for _, s := range list {
		r.walkStatement(s, stdin)
	}
}

// walkStatement reads a statement with its redirections.
func (r *scriptReader) walkStatement(s *syntax.Stmt, stdin *word) {
	for _, redirect := range s.Redirs {
		r.walkSubstitutions(redirect.Word)
		if redirect.Hdoc != nil {
			r.walkSubstitutions(redirect.Hdoc)
		}
		switch redirect.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			text := r.expandHeredoc(redirect)
			stdin = &text
		case syntax.WordHdoc:
			text := r.expandWord(redirect.Word)
			stdin = &text
		case syntax.RdrIn, syntax.RdrInOut:
			text := r.readFile(r.expandWord(redirect.Word))
			stdin = &text
		case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.AppOut, syntax.AppAll:
			appends := redirect.Op == syntax.AppOut || redirect.Op == syntax.AppAll
			r.out.writes = append(r.out.writes, write{path: r.expandWord(redirect.Word), dir: r.dir, content: r.predictOutput(s, stdin), appends: appends})
		default: // a duplicated descriptor
		}
	}
	r.walkCommand(s.Cmd, stdin)
}

// walkCommand reads a command of any kind.
func (r *scriptReader) walkCommand(c syntax.Command, stdin *word) {
	switch c := c.(type) {
	case nil:
	case *syntax.CallExpr:
		r.walkCall(c, stdin)
	case *syntax.BinaryCmd:
		r.walkStatement(c.X, stdin)
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			stdin = r.predictOutput(c.X, stdin)
			if stdin == nil {
				stdin = &word{}
			}
		}
		r.walkStatement(c.Y, stdin)
	case *syntax.Subshell:
		inner := *r
		inner.vars = maps.Clone(r.vars)
		inner.walkStatements(c.Stmts, stdin)
	case *syntax.Block:
		r.walkStatements(c.Stmts, stdin)
	case *syntax.ForClause:
		if loop, ok := c.Loop.(*syntax.WordIter); ok {
			r.vars[loop.Name.Value] = word{}
			for _, item := range loop.Items {
				r.walkSubstitutions(item)
			}
		}
		r.walkStatements(c.Do, stdin)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			if a.Name != nil && a.Value != nil {
				r.walkSubstitutions(a.Value)
				r.vars[a.Name.Value] = r.expandWord(a.Value)
			}
		}
	case *syntax.TimeClause:
		if c.Stmt != nil {
			r.walkStatement(c.Stmt, stdin)
		}
	default: // if, while, case, a function: each statement in it may run
		syntax.Walk(c, func(n syntax.Node) bool {
			if s, ok := n.(*syntax.Stmt); ok {
				r.walkStatement(s, stdin)
				return false
			}
			return true
		})
	}
}

// walkSubstitutions reads the commands inside a word.
func (r *scriptReader) walkSubstitutions(w syntax.Node) {
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			r.walkStatements(n.Stmts, nil)
			return false
		case *syntax.ProcSubst:
			r.walkStatements(n.Stmts, nil)
			return false
		}
		return true
	})
}

// walkCall reads a simple command.
func (r *scriptReader) walkCall(c *syntax.CallExpr, stdin *word) {
	env := map[string]word{}
	for _, a := range c.Assigns {
		value := word{known: true}
		if a.Value != nil {
			r.walkSubstitutions(a.Value)
			value = r.expandWord(a.Value)
		} else if a.Array != nil {
			r.walkSubstitutions(a.Array)
			value = word{}
		}
		if len(c.Args) == 0 {
			r.vars[a.Name.Value] = value
		}
		env[a.Name.Value] = value
	}
	var args []word
	for _, a := range c.Args {
		r.walkSubstitutions(a)
		args = append(args, r.expandFields(a)...)
	}
	if len(args) == 0 {
		return
	}
	all := maps.Clone(r.vars)
	maps.Copy(all, env)
	r.recordProgram(&invocation{args: args, env: all, place: r.place, dir: r.dir, stdin: stdin})
}

// readFile returns the text of a file that a script reads.
func (r *scriptReader) readFile(name word) word {
	if !name.known || r.place != "" {
		return word{}
	}
	if name.text == "/dev/null" {
		return word{known: true}
	}
	info, err := os.Stat(joinPath(r.dir, name.text))
	if err != nil || !info.Mode().IsRegular() {
		return word{}
	}
	text, err := readFileIfExists(joinPath(r.dir, name.text))
	if err != nil || text == nil {
		return word{}
	}
	return word{*text, true}
}

// changeDir follows cd.
func (r *scriptReader) changeDir(args []word) {
	if len(args) > 1 && args[len(args)-1].known && filepath.Clean(args[len(args)-1].text) != "-" {
		r.dir = joinPath(r.dir, args[len(args)-1].text)
	}
}

// developmentFiles are where projects have the addresses that they develop and test with.
var developmentFiles = []string{".env", ".env.local", ".env.development", ".env.development.local", ".env.test", ".env.test.local"}

// importantName matches a part of a database's name that no throwaway has.
var importantName = lazyregexp.New(`(?i)prod|live|stag`)

// FindDevelopmentDatabases returns the databases in the files for development of a directory, as onward.yaml lists them:
// those on this machine, or in a service of the project's containers. A name such as app_production is left out.
func FindDevelopmentDatabases(dir string) ([]string, error) {
	var out []string
	for _, file := range developmentFiles {
		text, err := readFileIfExists(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		variables := parseDotenv(*text)
		values := slices.Sorted(maps.Values(variables))
		if name := variables["PGDATABASE"]; name != "" {
			d := database{variables["PGHOST"], variables["PGPORT"], name}
			values = append(values, "postgres://"+d.withDefaults().String())
		}
		for _, value := range values {
			list, ok := parseDatabases(value)
			for _, d := range list {
				isNear := isLocal(d.host) || !strings.ContainsAny(d.host, ".:/")
				if ok && isNear && !importantName.MatchString(d.host+"/"+d.name) && !strings.ContainsAny(d.name, "*?[") {
					out = append(out, d.String())
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// readDotenv sets the variables of a file such as .env.
func (r *scriptReader) readDotenv(name word) {
	text := r.readFile(name)
	if !text.known {
		return
	}
	for key, value := range parseDotenv(text.text) {
		r.vars[key] = word{value, true}
	}
}

// parseDotenv returns the variables of a file such as .env.
func parseDotenv(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		} else if commentStart := strings.Index(value, " #"); commentStart >= 0 {
			value = strings.TrimSpace(value[:commentStart])
		}
		out[strings.TrimSpace(name)] = value
	}
	return out
}
