package hook

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// wordBytes is what a word takes beside its text.
const wordBytes = 24

// expandFields expands a word of a shell script: with F="-h db", psql $F has the words -h and db.
func (r *scriptReader) expandFields(w *syntax.Word) []word {
	whole := r.expandWord(w)
	if len(w.Parts) == 1 {
		if _, isVariable := w.Parts[0].(*syntax.ParamExp); isVariable && whole.known {
			var out []word
			for _, f := range strings.Fields(whole.text) {
				if !r.countBytes(len(f) + wordBytes) {
					break
				}
				out = append(out, word{f, true})
			}
			return out
		}
	}
	return []word{whole}
}

// expandWord returns the text of a word, as far as it is known before the script runs.
func (r *scriptReader) expandWord(w *syntax.Word) word {
	if w == nil {
		return word{known: true}
	}
	return r.expandParts(w.Parts, isEscapedOutside)
}

// expandHeredoc returns the text of a here-document. A backslash escapes the same bytes as in double quotes; none, if
// the delimiter is quoted.
func (r *scriptReader) expandHeredoc(redirect *syntax.Redirect) word {
	isRaw := redirect.Word != nil && slices.ContainsFunc(redirect.Word.Parts, func(p syntax.WordPart) bool {
		text, ok := p.(*syntax.Lit)
		return !ok || strings.Contains(text.Value, `\`)
	})
	switch {
	case redirect.Hdoc == nil:
		return word{known: true}
	case isRaw:
		return r.expandParts(redirect.Hdoc.Parts, func(byte) bool { return false })
	}
	return r.expandParts(redirect.Hdoc.Parts, isEscapedInQuotes)
}

// expandParts expands parts of a word. isEscaped reports the bytes that a backslash makes literal.
func (r *scriptReader) expandParts(parts []syntax.WordPart, isEscaped func(byte) bool) word {
	out := word{known: true}
	for _, p := range parts {
		var part word
		switch p := p.(type) {
		case *syntax.Lit:
			part = word{removeBackslashes(p.Value, isEscaped), true}
		case *syntax.SglQuoted:
			part = word{p.Value, true}
			if p.Dollar {
				part.text = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\'`, "'").Replace(p.Value)
			}
		case *syntax.DblQuoted:
			part = r.expandParts(p.Parts, isEscapedInQuotes)
		case *syntax.ParamExp:
			part = r.expandVariable(p)
		case *syntax.CmdSubst:
			if len(p.Stmts) == 1 {
				if text := r.predictOutput(p.Stmts[0], nil); text != nil {
					part = word{strings.TrimRight(text.text, "\n"), text.known}
				}
			}
		default: // arithmetic, a glob
		}
		if !r.countBytes(len(out.text) + len(part.text)) {
			return word{}
		}
		out.text += part.text
		out.known = out.known && part.known
	}
	return out
}

func isEscapedOutside(byte) bool { return true }

// isEscapedInQuotes reports whether a backslash inside of double quotes goes before a byte. It stays before others: psql -c "\\i FILE".
func isEscapedInQuotes(b byte) bool { return strings.IndexByte("$`\"\\\n", b) >= 0 }

// removeBackslashes removes the backslashes before bytes that they escape, and continues lines.
func removeBackslashes(text string, isEscaped func(byte) bool) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && isEscaped(text[i+1]) {
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
		return r.expandWord(p.Exp.Word)
	default:
		return word{}
	}
}

// predictOutput returns what a statement prints, for the few whose output is known; nil for others.
func (r *scriptReader) predictOutput(s *syntax.Stmt, stdin *word) *word {
	if !r.countBytes(wordBytes) { // a substitution in another one is read again for each around it
		return nil
	}
	for _, redirect := range s.Redirs {
		if redirect.Op == syntax.Hdoc || redirect.Op == syntax.DashHdoc {
			text := r.expandHeredoc(redirect)
			stdin = &text
		}
	}
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	var args []word
	for _, a := range call.Args {
		args = append(args, r.expandFields(a)...)
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
