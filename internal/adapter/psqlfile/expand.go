package psqlfile

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Limits of what the commands of a source may add.
const (
	maxDepth = 20
	maxFiles = 20_000
	maxBytes = 32 << 20
	// maxValue bounds a variable's value: a value can repeat others.
	maxValue = 64 << 10
)

// Expander follows the commands in the migrations of one source. It is not safe for concurrent use.
type Expander struct {
	Tree adapter.Tree
	// Dirs are directories in which psql may be started. The first that has the file of an \i counts.
	Dirs []string
	// Variables are given to psql when it is started.
	Variables map[string]string

	files, bytes int
}

// Expand changes the parts of a migration that psql reads to what psql sends.
func (x *Expander) Expand(m *adapter.Migration) {
	if !m.Source.Psql || len(m.Source.Parts) != 1 || m.Source.Parts[0].Start < 0 || !x.needsExpansion(m.Source.Parts[0].SQL) {
		return
	}
	part := m.Source.Parts[0]
	r := &reading{expander: x, migration: m, variables: make(map[string]value, len(x.Variables))}
	for name, text := range x.Variables {
		r.variables[name] = value{text, true}
	}
	r.readText(&textFile{path: m.Path, text: m.Source.Text[:part.Start+len(part.SQL)], root: true})
	if r.changed {
		m.Source.Parts = r.parts
	}
}

// needsExpansion reports whether a text may have commands or variables. It spares most files the scanner.
func (x *Expander) needsExpansion(text string) bool {
	if strings.Contains(text, `\`) {
		return true
	}
	for name := range x.Variables {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}

// value is the value of a variable; known is false if it is known only when psql runs.
type value struct {
	text  string
	known bool
}

// textFile is a file that psql reads. at has the place in the migration of the command that names it.
type textFile struct {
	path, text string
	root       bool
	depth      int
	at         script.Part
}

// reading is psql's work on one migration.
type reading struct {
	expander  *Expander
	migration *adapter.Migration
	lines     *pgparse.Lines
	variables map[string]value
	branches  []branch
	parts     []script.Part
	// changed is set if the parts are not just the text.
	changed bool
}

// readText reads a file up to its end, or to a \q.
func (r *reading) readText(f *textFile) {
	run := textRun{reading: r, file: f, start: -1}
	depth := len(r.branches)
	for _, p := range pgparse.SplitPsql(f.text) {
		switch {
		case p.Command && r.readCondition(&run, p):
		case !r.isActive():
		case p.Command && r.isQuit(f.text[p.Start:p.End]):
			run.endAt(p.Start)
			r.changed = true
			r.branches = r.branches[:depth]
			return
		case p.Command && r.readCommand(&run, p):
		case !p.Command && r.readStatement(&run, p):
		default:
			run.startUnlessOpen(p.Start)
		}
	}
	run.endAt(len(f.text))
	r.branches = r.branches[:min(depth, len(r.branches))]
}

// textRun is a stretch of a file that psql sends unchanged.
type textRun struct {
	*reading
	file  *textFile
	start int // -1: none
}

func (r *textRun) startUnlessOpen(offset int) {
	if r.start < 0 {
		r.start = offset
	}
}

// endAt ends the stretch where something else begins.
func (r *textRun) endAt(offset int) {
	if r.start >= 0 {
		r.addPart(adapter.TrimmedPart(r.file.text, r.start, offset))
	}
	r.start = -1
}

// addPart adds a part that is in the file letter by letter.
func (r *textRun) addPart(p script.Part) {
	if p.SQL == "" {
		return
	}
	if !r.file.root {
		p = script.Part{SQL: p.SQL, Start: -1, Line: r.file.at.Line, Column: r.file.at.Column, EndLine: r.file.at.EndLine, EndColumn: r.file.at.EndColumn}
	}
	p.Conditional = r.isConditional()
	r.parts = append(r.parts, p)
}

// addReplacement adds a text in place of a piece of the file.
func (r *textRun) addReplacement(p pgparse.PsqlPiece, sql string) {
	r.endAt(p.Start)
	part := r.placeOf(r.file, p)
	part.SQL, part.Start, part.Conditional = sql, -1, r.isConditional()
	r.parts = append(r.parts, part)
	r.changed = true
}

// placeOf returns the place in the migration of a piece of a file.
func (r *reading) placeOf(f *textFile, p pgparse.PsqlPiece) script.Part {
	if !f.root {
		return f.at
	}
	if r.lines == nil {
		r.lines = pgparse.NewLines(r.migration.Source.Text)
	}
	var place script.Part
	place.Line, place.Column = r.lines.Position(p.Start)
	place.EndLine, place.EndColumn = r.lines.Position(p.End)
	return place
}

// isQuit reports whether a command ends the file for certain.
func (r *reading) isQuit(command string) bool {
	name, _ := splitCommand(command)
	return (name == "q" || name == "quit") && !r.isConditional()
}

// readCommand follows a command that is no condition; false if it stays in the text.
func (r *reading) readCommand(run *textRun, p pgparse.PsqlPiece) bool {
	name, rest := splitCommand(run.file.text[p.Start:p.End])
	switch name {
	case "set":
		r.setVariable(rest)
	case "unset":
		for _, a := range r.readArguments(rest) {
			delete(r.variables, a.text)
		}
	case "i", "include", "ir", "include_relative":
		return r.followInclude(run, p, name, rest)
	}
	return false
}

// followInclude reads the file that a command names; false if it is not known, or not in the repository.
func (r *reading) followInclude(run *textRun, p pgparse.PsqlPiece, command, rest string) bool {
	args := r.readArguments(rest)
	if len(args) != 1 || !args[0].known || run.file.depth == maxDepth {
		return false
	}
	x := r.expander
	dirs := x.Dirs
	if command == "ir" || command == "include_relative" {
		dirs = []string{path.Dir(run.file.path)}
	}
	for _, dir := range dirs {
		includePath := path.Join(dir, args[0].text)
		if path.IsAbs(args[0].text) || !adapter.HasFile(x.Tree, includePath) {
			continue
		}
		if x.files == maxFiles {
			return false
		}
		x.files++
		f := adapter.ReadBeside(x.Tree, r.migration, includePath)
		if f.FillNames(); f.Failed != "" {
			return false
		}
		if x.bytes+len(f.Text) > maxBytes {
			x.files = maxFiles // so that no further file is read only to be dropped
			return false
		}
		x.bytes += len(f.Text)
		run.endAt(p.Start)
		r.changed = true
		for _, o := range f.Opaque {
			o.Migration = r.migration.ID
			r.migration.Opaque = append(r.migration.Opaque, o)
		}
		r.readText(&textFile{path: includePath, text: f.Text, depth: run.file.depth + 1, at: r.placeOf(run.file, p)})
		return true
	}
	return false
}

// readStatement puts the values of variables into a statement, and follows a command at its end; false if it stays in the text.
func (r *reading) readStatement(run *textRun, p pgparse.PsqlPiece) bool {
	text, end := run.file.text, p.End
	if p.Slash > 0 {
		name, rest := splitCommand(text[p.Slash:p.End])
		switch name {
		case "g", "gx":
			if strings.TrimSpace(rest) != "" { // a file, or a program
				return false
			}
		case "gset":
			r.forgetResults(text[p.Start:p.Slash], rest)
		default:
			return false
		}
		end = p.Slash
	}
	sql, replaced := r.replaceVariables(text, p.Start, end, p.Variables)
	switch {
	case replaced:
		run.addReplacement(p, sql)
	case p.Slash > 0:
		run.endAt(p.Start)
		run.addPart(adapter.TrimmedPart(text, p.Start, end))
		r.changed = true
	default:
		return false
	}
	return true
}

// replaceVariables puts the values of the known variables into a statement; false if there is none.
func (r *reading) replaceVariables(text string, start, end int, variables []pgparse.Comment) (string, bool) {
	var b strings.Builder
	from := start
	for _, v := range variables {
		replacement, ok := r.expandVariable(text[v.Start:v.End])
		if v.End > end || !ok || r.expander.bytes+b.Len()+len(replacement) > maxBytes {
			continue
		}
		b.WriteString(text[from:v.Start])
		b.WriteString(replacement)
		from = v.End
	}
	if from == start {
		return "", false
	}
	b.WriteString(text[from:end])
	r.expander.bytes += b.Len()
	return b.String(), true
}
