package hook

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// word is an argument or a text. If the shell computes a part of it, it is not known, and text has the rest.
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
	// removes: the file, or all files of the directory, are removed. ifThere: the file is changed in place.
	removes, ifThere bool
}

// maxDepth limits scripts that call scripts.
const maxDepth = 8

// scriptReader lists the programs that a shell script runs.
type scriptReader struct {
	getenv func(string) string
	dir    string
	place  string
	vars   map[string]word
	depth  int
	out    *script
}

// script is the result of reading a shell script.
type script struct {
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
	if r.depth > maxDepth {
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
	r.walkList(file.Stmts, stdin)
}

func (r *scriptReader) walkList(list []*syntax.Stmt, stdin *word) {
	for _, s := range list {
		r.walkStatement(s, stdin)
	}
}

// walkStatement reads a statement with its redirections.
func (r *scriptReader) walkStatement(s *syntax.Stmt, stdin *word) {
	for _, redirect := range s.Redirs {
		switch redirect.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			text := r.expand(redirect.Hdoc)
			stdin = &text
		case syntax.WordHdoc:
			text := r.expand(redirect.Word)
			stdin = &text
		case syntax.RdrIn, syntax.RdrInOut:
			text := r.readFile(r.expand(redirect.Word))
			stdin = &text
		case syntax.RdrOut, syntax.RdrClob, syntax.RdrAll, syntax.AppOut, syntax.AppAll:
			appends := redirect.Op == syntax.AppOut || redirect.Op == syntax.AppAll
			r.out.writes = append(r.out.writes, write{path: r.expand(redirect.Word), dir: r.dir, content: r.outputOf(s, stdin), appends: appends})
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
			stdin = r.outputOf(c.X, stdin)
			if stdin == nil {
				stdin = &word{}
			}
		}
		r.walkStatement(c.Y, stdin)
	case *syntax.Subshell:
		inner := *r
		inner.vars = maps.Clone(r.vars)
		inner.walkList(c.Stmts, stdin)
	case *syntax.Block:
		r.walkList(c.Stmts, stdin)
	case *syntax.ForClause:
		if loop, ok := c.Loop.(*syntax.WordIter); ok {
			r.vars[loop.Name.Value] = word{}
			for _, item := range loop.Items {
				r.walkSubstitutions(item)
			}
		}
		r.walkList(c.Do, stdin)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			if a.Name != nil && a.Value != nil {
				r.walkSubstitutions(a.Value)
				r.vars[a.Name.Value] = r.expand(a.Value)
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
			r.walkList(n.Stmts, nil)
			return false
		case *syntax.ProcSubst:
			r.walkList(n.Stmts, nil)
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
			value = r.expand(a.Value)
		} else if a.Array != nil {
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
		args = append(args, r.split(a)...)
	}
	if len(args) == 0 {
		return
	}
	all := maps.Clone(r.vars)
	maps.Copy(all, env)
	r.unwrap(&invocation{args: args, env: all, place: r.place, dir: r.dir, stdin: stdin})
}

// split expands a word. A variable outside of quotes may become several words.
func (r *scriptReader) split(w *syntax.Word) []word {
	whole := r.expand(w)
	if len(w.Parts) == 1 {
		if _, isVariable := w.Parts[0].(*syntax.ParamExp); isVariable && whole.known {
			var out []word
			for _, f := range strings.Fields(whole.text) {
				out = append(out, word{f, true})
			}
			return out
		}
	}
	return []word{whole}
}

// expand returns the text of a word, as far as it is known before the script runs.
func (r *scriptReader) expand(w *syntax.Word) word {
	if w == nil {
		return word{known: true}
	}
	return r.expandParts(w.Parts)
}

func (r *scriptReader) expandParts(parts []syntax.WordPart) word {
	out := word{known: true}
	for _, p := range parts {
		var part word
		switch p := p.(type) {
		case *syntax.Lit:
			part = word{unescape(p.Value), true}
		case *syntax.SglQuoted:
			part = word{p.Value, true}
			if p.Dollar {
				part.text = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\'`, "'").Replace(p.Value)
			}
		case *syntax.DblQuoted:
			part = r.expandParts(p.Parts)
		case *syntax.ParamExp:
			part = r.expandVariable(p)
		case *syntax.CmdSubst:
			if len(p.Stmts) == 1 {
				if text := r.outputOf(p.Stmts[0], nil); text != nil {
					part = word{strings.TrimRight(text.text, "\n"), text.known}
				}
			}
		default: // arithmetic, a glob
		}
		out.text += part.text
		out.known = out.known && part.known
	}
	return out
}

// unescape removes the backslashes of an unquoted text.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			if text[i] == '\n' {
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// expandVariable returns the value of a variable.
func (r *scriptReader) expandVariable(p *syntax.ParamExp) word {
	if p.Param == nil || p.Length || p.Width || p.Excl || p.Index != nil || p.Slice != nil || p.Repl != nil {
		return word{}
	}
	value, set := r.vars[p.Param.Value]
	if !set && r.place == "" {
		if text := r.getenv(p.Param.Value); text != "" {
			value, set = word{text, true}, true
		}
	}
	if p.Exp == nil {
		return value
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		if set && value.text != "" || set && !value.known {
			return value
		}
		return r.expand(p.Exp.Word)
	default:
		return word{}
	}
}

// outputOf returns what a statement prints, for the few whose output is known; nil for others.
func (r *scriptReader) outputOf(s *syntax.Stmt, stdin *word) *word {
	for _, redirect := range s.Redirs {
		if redirect.Op == syntax.Hdoc || redirect.Op == syntax.DashHdoc {
			text := r.expand(redirect.Hdoc)
			stdin = &text
		}
	}
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	var args []word
	for _, a := range call.Args {
		args = append(args, r.split(a)...)
	}
	out := word{known: true}
	var parts []string
	add := func(w word) {
		parts = append(parts, w.text)
		out.known = out.known && w.known
	}
	switch path.Base(args[0].text) {
	case "echo":
		for len(args) > 1 && slices.Contains([]string{"-e", "-n", "-ne", "-en"}, args[1].text) {
			args = args[1:]
		}
		for _, a := range args[1:] {
			add(a)
		}
		out.text = strings.ReplaceAll(strings.Join(parts, " "), `\n`, "\n") + "\n"
	case "printf":
		for _, a := range args[1:] {
			add(a)
		}
		out.text = strings.ReplaceAll(strings.Join(parts, "\n"), `\n`, "\n")
	case "cat":
		if len(args) == 1 {
			return stdin
		}
		for _, a := range args[1:] {
			if !strings.HasPrefix(a.text, "-") {
				add(r.readFile(a))
			}
		}
		out.text = strings.Join(parts, "\n")
	default:
		return nil
	}
	return &out
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
	text, err := readOptional(joinPath(r.dir, name.text))
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
