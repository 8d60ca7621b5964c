package audit

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// attributesFile is git's file of attributes.
const attributesFile = ".gitattributes"

// findLineEndChanges returns a refusal if git checks applied migrations out with other line ends than before, although no file of them changed, and
// the tool's checksums count line ends.
func findLineEndChanges(p pair, base, head adapter.Tree) []history.Change {
	if p.base == nil || !p.head.HistoryBehavior.CountsLineEnds {
		return nil
	}
	applied := map[string]bool{}
	for _, m := range p.base.Migrations {
		applied[m.Path] = true
	}
	for _, m := range p.head.Migrations {
		if !applied[m.Path] || !hasUnixLineEnd(m.Source.Text) {
			continue
		}
		before, _, _ := checksOutCRLF(base, m.Path)
		now, file, line := checksOutCRLF(head, m.Path)
		if before == now {
			continue
		}
		ends := "CR LF"
		if !now {
			ends = "LF"
		}
		return []history.Change{{Kind: history.Refused, Migration: m.ID, Path: file, Refusal: &history.Refusal{
			Line: line, Column: 1, Severity: onward.Warning,
			Message: "git checks out the applied migrations with line ends " + ends + " from now on",
			Harm:    "their checksums count line ends: " + p.head.HistoryBehavior.Edited,
			Instead: "keep the line ends of applied migrations: " + path.Base(path.Dir(m.Path)) + "/*.sql -text",
		}}}
	}
	return nil
}

// hasUnixLineEnd reports whether a text as git stores it has a line that a checkout may end otherwise.
func hasUnixLineEnd(text string) bool { return strings.Count(text, "\n") > strings.Count(text, "\r\n") }

// checksOutCRLF reports whether the attributes of a tree make git write a file with CR LF on any system, and the line that decides it. A file
// of attributes in a directory counts more than one above it, and its last line counts most.
func checksOutCRLF(t adapter.Tree, file string) (crlf bool, in string, line int) {
	in, line = attributesFile, 1
	eol, text := "", true
	dirs := []string{""}
	for i := range len(file) {
		if file[i] == '/' {
			dirs = append(dirs, file[:i])
		}
	}
	for _, dir := range dirs {
		name := path.Join(dir, attributesFile)
		if !adapter.HasFile(t, name) {
			continue
		}
		n := 0
		for l := range strings.Lines(adapter.ReadFile(t, name).Text) {
			n++
			words := strings.Fields(l)
			if len(words) < 2 || words[0][0] == '#' || !matchesPattern(words[0], strings.TrimPrefix(strings.TrimPrefix(file, dir), "/")) {
				continue
			}
			for _, word := range words[1:] {
				switch {
				case strings.HasPrefix(word, "eol="):
					eol, in, line = strings.TrimPrefix(word, "eol="), name, n
				case word == "-eol" || word == "!eol":
					eol, in, line = "", name, n
				case word == "-text" || word == "binary":
					text, in, line = false, name, n
				case word == "text" || word == "!text" || strings.HasPrefix(word, "text="):
					text, in, line = true, name, n
				}
			}
		}
	}
	return text && eol == "crlf", in, line
}

// matchesPattern reports whether a pattern of git's attributes matches a path below its file: a name without a slash in each directory.
func matchesPattern(pattern, file string) bool {
	if !strings.Contains(strings.TrimPrefix(pattern, "**/"), "/") {
		file, pattern = path.Base(file), strings.TrimPrefix(pattern, "**/")
	}
	pattern = strings.TrimPrefix(pattern, "/")
	if dir, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(file, dir+"/")
	}
	if dir, name, ok := strings.Cut(pattern, "/**/"); ok {
		relative, inDir := strings.CutPrefix(file, dir+"/")
		return inDir && matchesPattern(name, relative)
	}
	matched, err := path.Match(pattern, file)
	return err == nil && matched
}

// The string syntax (standard_conforming_strings) decides where the string '\'' ends. It is a setting of the session, which
// the next migration inherits. It may also be a default of a database or a role, for later
// sessions. Files are cut independently and in parallel. If an earlier file changed the
// syntax, a file is cut again.

// scriptSource returns a migration's source with the session's string syntax. deployed: it ran already, perhaps on an
// older server.
func (j *judge) scriptSource(m *adapter.Migration, deployed bool) script.Source {
	src := m.Source
	if !m.Runner.OwnSession || j.strings.Unsure {
		src.Strings = j.strings
	}
	src.Strings.Refusal = pgparse.RefusalOf(j.config.Versions)
	if deployed {
		src.Strings.Refusal = min(src.Strings.Refusal, pgparse.SomeRefuse)
	}
	return src
}

// recordStringSyntax records how a migration changes the string syntax for later ones. The settings
// of functions that it calls are not known.
func (j *judge) recordStringSyntax(s *script.Script, deployed bool) {
	unsureAfter, called := j.strings.Unsure, false
	for _, st := range s.Statements {
		switch x := pgparse.Unwrap(st.Node).(type) {
		case *pgparse.AlterDatabaseSetStmt:
			unsureAfter = unsureAfter || setsStringSyntax(x.GetSetstmt())
		case *pgparse.AlterRoleSetStmt:
			unsureAfter = unsureAfter || setsStringSyntax(x.GetSetstmt())
		case *pgparse.VariableSetStmt:
			called = called || st.In != "" && setsStringSyntax(x)
		case *pgparse.SelectStmt:
			if set, ok := analysis.SettingOf(st.Node); ok && st.In != "" {
				called = called || strings.EqualFold(set.Name, stringSyntaxSetting)
			}
		}
		if called && s.Source.Strings.Refusal != pgparse.AllRefuse && st.In == "" && st.Node != nil && pgparse.EndsElsewhere(st.SQL) {
			st.EditRare().Opaque = "what its strings hold, as a function that was called may have changed how they end"
		}
	}
	if !deployed { // their sessions are over
		j.strings = s.Strings
	}
	unsure := j.strings.Unsure || unsureAfter || called && !deployed
	j.strings.Unsure = unsure && pgparse.RefusalOf(j.config.Versions) != pgparse.AllRefuse
}

const stringSyntaxSetting = "standard_conforming_strings"

// setsStringSyntax reports whether a statement sets the string syntax to anything but the
// default.
func setsStringSyntax(x *pgparse.VariableSetStmt) bool {
	if !strings.EqualFold(x.GetName(), stringSyntaxSetting) || x.GetKind() != pgparse.VariableSetKind_VAR_SET_VALUE || len(x.GetArgs()) != 1 {
		return false
	}
	value := strings.ToLower(analysis.ConstantText(x.GetArgs()[0]))
	return value != "on" && value != "true" && value != "1"
}
