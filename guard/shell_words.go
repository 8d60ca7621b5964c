package guard

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// argument is one argument of a command, in a list of arguments or in a shell script.
type argument struct {
	value string
	// start and end are its offsets in the script.
	start, end int
	// unknown: the shell computes the word, and only a part of it is known here.
	unknown bool
	// shared: several words come from one variable, so the script has no place for this one alone.
	shared bool
	// replacement takes the word's place if it is not nil.
	replacement []string
}

// newArguments returns the words of a list of arguments.
func newArguments(args []string) []*argument {
	out := make([]*argument, 0, len(args))
	for _, a := range args {
		out = append(out, &argument{value: a})
	}
	return out
}

// joinArguments returns the list of arguments with its replacements.
func joinArguments(words []*argument) []string {
	var out []string
	for _, w := range words {
		if w.replacement != nil {
			out = append(out, w.replacement...)
		} else {
			out = append(out, w.value)
		}
	}
	return out
}

// joinShell returns a script with its replacements.
func joinShell(text string, words []*argument) string {
	slices.SortStableFunc(words, func(x, y *argument) int { return cmp.Compare(x.start, y.start) })
	var b strings.Builder
	from := 0
	for _, w := range words {
		if w.replacement == nil {
			continue
		}
		b.WriteString(text[from:w.start])
		for i, r := range w.replacement {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(quoteShell(r))
		}
		from = w.end
	}
	b.WriteString(text[from:])
	return b.String()
}

var plainWord = lazyregexp.New(`^[A-Za-z0-9_./:=@%+,-]+$`)

func quoteShell(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// splitShell returns the simple commands of a shell script, at any depth: assignments first, then words. lookup gives the
// value of a variable, unless the script itself sets it. A script that cannot be read has one command of unknown words.
func splitShell(text string, lookup func(string) (string, bool)) [][]*argument {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		words := newArguments(strings.Fields(text))
		for _, w := range words {
			w.unknown = true
		}
		return [][]*argument{words}
	}
	e := newWordExpander(lookup, listAssignedNames(file))
	var out [][]*argument
	syntax.Walk(file, func(n syntax.Node) bool {
		var words []*argument
		switch n := n.(type) {
		case *syntax.CallExpr:
			words = e.expandAssignments(n.Assigns)
			for _, w := range n.Args {
				words = append(words, e.expandWord(w)...)
			}
		case *syntax.DeclClause: // export
			words = e.expandAssignments(n.Args)
		}
		if len(words) > 0 {
			out = append(out, words)
		}
		return true
	})
	return out
}

// listAssignedNames returns the variables that a script sets itself.
func listAssignedNames(file *syntax.File) []string {
	var out []string
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				out = append(out, n.Name.Value)
			}
		case *syntax.WordIter:
			out = append(out, n.Name.Value)
		case *syntax.CallExpr:
			if len(n.Args) > 0 && slices.Contains([]string{"read", "getopts", "mapfile", "readarray"}, n.Args[0].Lit()) {
				for _, w := range n.Args[1:] {
					out = append(out, w.Lit())
				}
			}
		}
		return true
	})
	return out
}

// wordExpander expands words as the shell will, but starts no command.
type wordExpander struct {
	config *expand.Config
	// unknown: the word that is being expanded has a part that the shell computes.
	unknown bool
}

// newWordExpander returns an expander for a script that sets some variables itself. lookup gives the values of others.
func newWordExpander(lookup func(string) (string, bool), set []string) *wordExpander {
	e := &wordExpander{}
	e.config = &expand.Config{
		Env: expand.FuncEnviron(func(name string) string {
			if name == "IFS" {
				return ""
			}
			if !syntax.ValidName(name) || slices.Contains(set, name) { // $1, $?, $@
				e.unknown = true
				return ""
			}
			value, known := lookup(name)
			e.unknown = e.unknown || !known
			return value
		}),
		CmdSubst: func(io.Writer, *syntax.CmdSubst) error {
			e.unknown = true
			return nil
		},
		ProcSubst: func(*syntax.ProcSubst) (string, error) {
			e.unknown = true
			return "", nil
		},
	}
	return e
}

// expandAssignments returns an argument NAME=value for each assignment.
func (e *wordExpander) expandAssignments(list []*syntax.Assign) []*argument {
	var out []*argument
	for _, a := range list {
		switch {
		case a.Name == nil: // export $names, declare -x
			if a.Value != nil {
				out = append(out, e.expandWord(a.Value)...)
			}
		case a.Naked:
		default:
			e.unknown = a.Array != nil || a.Append || a.Index != nil
			value, err := expand.Literal(e.config, a.Value)
			out = append(out, &argument{
				value: a.Name.Value + "=" + value, start: int(a.Pos().Offset()), end: int(a.End().Offset()), unknown: e.unknown || err != nil,
			})
		}
	}
	return out
}

// expandWord returns the arguments that a word becomes.
func (e *wordExpander) expandWord(w *syntax.Word) []*argument {
	e.unknown = false
	fields, err := expand.Fields(e.config, w)
	if err != nil || len(fields) == 0 && e.unknown {
		return []*argument{{start: int(w.Pos().Offset()), end: int(w.End().Offset()), unknown: true}}
	}
	out := make([]*argument, 0, len(fields))
	for _, f := range fields {
		out = append(out, &argument{
			value: f, start: int(w.Pos().Offset()), end: int(w.End().Offset()), unknown: e.unknown, shared: len(fields) > 1,
		})
	}
	return out
}
