package jscode

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// sealMigration gives a migration the SQL of its function up, and the calls whose SQL is not known. sent is how the tool sends
// it, and text is its file.
func (u Up) sealMigration(m *adapter.Migration, sent onward.Transaction, o adapter.Options, text string) {
	m.Imports = u.Imports
	if cmp.Or(o.Transaction, sent) == onward.TransactionFile {
		sent = u.assignTransactions()
	}
	m.Source.Parts = u.Parts
	for _, c := range u.Unread {
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: c.Line, Column: c.Column, What: "call of " + c.Call, Why: c.Why, Failed: u.NotRun || c.Exhausted,
		})
	}
	m.Runner.Rerun = sent == onward.TransactionNone
	m.Seal(sent, o, text)
}

// assignTransactions gives the parts of a migration, around which the tool opens a transaction, their transactions, and returns how they are
// sent. A transaction of the program in it is a savepoint.
func (u Up) assignTransactions() onward.Transaction {
	sent, toolBlock := onward.TransactionFile, 0
	for _, p := range u.Parts {
		if p.Connection != 0 {
			sent, toolBlock = onward.TransactionNone, max(toolBlock, p.Block+1)
		}
	}
	for i := range u.Parts {
		if p := &u.Parts[i]; p.Connection == 0 {
			p.Block = toolBlock
		}
	}
	return sent
}

// hasNoUp reports whether a module ran, and exports no function up.
func (u Up) hasNoUp() bool {
	return len(u.Parts) == 0 && len(u.Unread) == 1 && u.Unread[0].NoUp
}

// listPrograms returns the programs of a directory that may be migrations.
func listPrograms(d adapter.Dir) []string {
	return slices.DeleteFunc(slices.Clone(d.Names), adapter.IsNoProgram)
}

// HasUp reports whether a text has a function "up".
func HasUp(text string) bool {
	const blank = " \t\r\n\f"
	for from := 0; ; {
		next := strings.Index(text[from:], "up")
		if next < 0 {
			return false
		}
		before, after := text[:from+next], text[from+next+len("up"):]
		from += next + len("up")
		if endsInName(before) || after != "" && lexer.NameByte[after[0]] {
			continue
		}
		word := strings.TrimRight(before, blank)
		if holder, isConstant := strings.CutSuffix(word, "const"); isConstant && word != before && !endsInName(holder) {
			return true
		}
		switch rest := strings.TrimLeft(after, blank); {
		case strings.HasPrefix(rest, "("), strings.HasPrefix(rest, ":"):
			return true
		case strings.HasPrefix(rest, "="):
			if holder, isExport := strings.CutSuffix(before, "exports."); isExport && !endsInName(holder) {
				return true
			}
		}
	}
}

func endsInName(text string) bool { return text != "" && lexer.NameByte[text[len(text)-1]] }

// Databases are the databases that a tool's settings may name.
type Databases struct {
	// Pattern matches a setting, with the name in its first group. Postgres is the beginning of the names of Postgres, and Foreign has the
	// database of other names.
	Pattern  *lazyregexp.Regexp
	Postgres string
	Foreign  map[string]string
}

// FindForeign returns the database other than Postgres that files name first; "" for none, and if one names Postgres, too.
func (d *Databases) FindForeign(files []*adapter.File) (foreign string) {
	postgres := false
	for _, f := range files {
		for _, m := range d.Pattern.FindAllStringSubmatch(f.Text, 20) {
			postgres = postgres || strings.HasPrefix(m[1], d.Postgres)
			foreign = cmp.Or(foreign, d.Foreign[m[1]])
		}
	}
	if postgres {
		return ""
	}
	return foreign
}

// FindPostgres returns the name of Postgres in files; "" if they have none or several.
func (d *Databases) FindPostgres(files []*adapter.File) (name string) {
	for _, f := range files {
		for _, m := range d.Pattern.FindAllStringSubmatch(f.Text, 20) {
			switch {
			case !strings.HasPrefix(m[1], d.Postgres) || m[1] == name:
			case name != "":
				return ""
			default:
				name = m[1]
			}
		}
	}
	return name
}

// ReadSettingFiles reads at most 200 files of a tree whose paths match a pattern.
func ReadSettingFiles(t adapter.Tree, pattern *lazyregexp.Regexp) []*adapter.File {
	paths := adapter.Memoize(t, "settings "+pattern.String(), func() (paths []string) {
		for _, p := range t.Paths() {
			if pattern.MatchString(p) && !adapter.IsNoProgram(path.Base(p)) && !strings.Contains(p, "node_modules/") {
				paths = append(paths, p)
			}
		}
		return paths[:min(len(paths), 200)]
	})
	var out []*adapter.File
	for _, p := range paths {
		out = append(out, adapter.RunnerFile(t, p))
	}
	return out
}
