// Package ruby reads what Ruby declares to a mapper: Active Record and Sequel.
package ruby

import (
	"bytes"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: []string{".rb"}, Signs: []string{
		"Record", "Sequel::Model", "table_name", "isolate_namespace", "ignored_columns", "belongs_to", "has_many", "validates",
		"enum ", "scope :",
	}, Read: readRubyModels},
	{Endings: []string{".rb"}, Signs: []string{"enum "}, Read: readRubyEnums},
}

// Ruby: ActiveRecord and Sequel ask the database for the columns of a table when they start, and may name each of them. Other
// files decide what a class is called in the database: its base class, and the modules around it. See rubyTables.
var (
	rbClass    = lazyregexp.New(`^class\s+([A-Z][\w:]*)\s*<\s*((?:::)?[A-Z][\w:]*)(?:\(\s*:?["']?(\w+)["']?\))?`)
	rbModule   = lazyregexp.New(`^(?:module|class)\s+([A-Z][\w:]*)`)
	rbRecord   = lazyregexp.New(`^(?:::)?(?:\w+Record|ActiveRecord::Base|Sequel::Model)$`)
	rbTable    = lazyregexp.New(`\bself\.table_name\s*=\s*(?:["']([\w.]+)["']|:(\w+))(?:\.freeze)?\s*(?:#.*)?$|^set_dataset\s+:(\w+)`)
	rbComputed = lazyregexp.New(`\bself\.table_name\s*=[^=~]`)
	rbIgnored  = lazyregexp.New(`\bignored_columns\s*(?:\+|\|\|)?=|\bignored_columns\s*<<|\bignored_columns\.(?:push|concat|append)\b|\bignore_columns?\b`)
	rbName     = lazyregexp.New(`\w+`)
	rbEntry    = lazyregexp.New(`^["':]?\w+["']?,?\s*(?:#.*)?$`)
	rbAbstract = lazyregexp.New(`\babstract_class\s*=\s*true|^primary_abstract_class\b`)
	rbPrefix   = lazyregexp.New(`\btable_name_prefix\b(?:\s*(?:=|;|\(\))\s*["'](\w+)["'])?`)
	rbText     = lazyregexp.New(`^(?:return\s+)?["'](\w+)["']`)
	rbIsolated = lazyregexp.New(`^isolate_namespace\s+(?:::)?([A-Z]\w*)`)
	rbInclude  = lazyregexp.New(`^include\s+(?:::)?([A-Z][\w:]*)`)
)

// SequelModel is the class that models of Sequel extend.
const SequelModel = "Sequel::Model"

// rubyReader reads classes and modules, by their indentation.
type rubyReader struct {
	r *source.File
	// around are the modules and classes around a line, the outermost first.
	around []rubyBlock
	// lists is set if the next line continues a list of ignored columns.
	lists bool
	// prefixes is set if the next line has the prefix of the tables of a module.
	prefixes bool
}

// rbSettings are the first words of lines that say something of a class.
var rbSettings = map[string]bool{
	"self": true, "primary_abstract_class": true, "ignored_columns": true, "ignore_column": true, "ignore_columns": true, "set_dataset": true,
	"def": true, "include": true,
}

// maxMacro is the length up to which the first word of a line is read.
const maxMacro = 40

// rubyBlock is a module or a class.
type rubyBlock struct {
	name   string
	indent int
	model  *facts.Model
	// extends is set if it extends a class.
	extends bool
	// computed is set if the program computes the name of its table.
	computed bool
}

func readRubyModels(r *source.File) {
	x := &rubyReader{r: r}
	r.EachLine(func(n, indent int, line string) {
		if line == "" || line[0] == '#' {
			return
		}
		for len(x.around) > 0 && indent <= x.around[len(x.around)-1].indent && !x.lists {
			x.endBlock()
		}
		if line[0] == 'm' || line[0] == 'c' {
			if m := rbModule.FindStringSubmatch(line); m != nil {
				x.beginBlock(n, indent, m[1], line)
				return
			}
		}
		x.readRubyLine(n, line)
	})
	for len(x.around) > 0 {
		x.endBlock()
	}
}

// maxNested bounds how deeply modules and classes are nested.
const maxNested = 12

// beginBlock begins a module or a class.
func (x *rubyReader) beginBlock(n, indent int, name, line string) {
	if len(x.around) == maxNested || strings.HasSuffix(line, "; end") || strings.HasSuffix(line, ";end") {
		return
	}
	b := rubyBlock{name: x.openScope() + name, indent: indent, model: &facts.Model{Line: n, Base: true}}
	b.model.Scope, b.model.Class = CutScope(b.name)
	if c := rbClass.FindStringSubmatch(line); c != nil {
		b.model.Table, b.model.Base, b.model.All = c[3], false, true
		b.model.Bases, b.extends = []facts.Base{{Name: c[2]}}, true
		b.model.Derived = !rbRecord.MatchString(c[2])
	}
	x.around, x.lists, x.prefixes = append(x.around, b), false, false
}

// openScope returns the names of the modules and classes around a line, for a name in them.
func (x *rubyReader) openScope() string {
	if len(x.around) == 0 {
		return ""
	}
	return x.around[len(x.around)-1].name + "::"
}

// CutScope cuts the name of a class into the modules around it and its own name.
func CutScope(name string) (scope, class string) {
	n := strings.LastIndex(name, "::")
	if n < 0 {
		return "", name
	}
	return name[:n], name[n+2:]
}

// endBlock ends the innermost block, and records it: a model, or a module that is included in models and says something of
// their columns.
func (x *rubyReader) endBlock() {
	b := x.around[len(x.around)-1]
	x.around, x.lists, x.prefixes = x.around[:len(x.around)-1], false, false
	m := b.model
	switch {
	case b.computed, m.Base && !b.extends && len(m.Without) == 0,
		m.Derived && m.Table == "" && len(m.Fields) == 0 && !strings.Contains(x.r.Path, "models/"):
		return
	}
	x.r.AddModel(m)
}

// readRubyLine reads a line of a module or a class.
func (x *rubyReader) readRubyLine(n int, line string) {
	word := line[:lexer.NameLength([]byte(line[:min(len(line), maxMacro)]))]
	if word == "isolate_namespace" {
		if m := rbIsolated.FindStringSubmatch(line); m != nil {
			recordTablePrefix(x.r, m[1], inflect.Underscore(m[1])+"_")
		}
	}
	if len(x.around) == 0 {
		return
	}
	b := &x.around[len(x.around)-1]
	switch {
	case !x.prefixes && !x.lists && !rbSettings[word]:
		addMacroColumns(b.model, n, word, line)
	case x.prefixes:
		if t := source.FirstGroup(rbText, line); t != "" {
			recordTablePrefix(x.r, b.name, t)
		}
		x.prefixes = false
	case rbAbstract.MatchString(line):
		b.model.Base = true
	case rbTable.MatchString(line):
		b.model.Table = source.FirstGroup(rbTable, line)
	case rbComputed.MatchString(line):
		b.computed = true
	case rbIgnored.MatchString(line):
		x.readIgnoredColumns(b.model, n, line)
	case x.lists:
		x.lists = rbEntry.MatchString(line)
		addIgnoredColumns(b.model, line, n)
	case rbPrefix.MatchString(line) && (strings.HasPrefix(line, "def ") || strings.HasPrefix(line, "self.")):
		if t := source.FirstGroup(rbPrefix, line); t != "" {
			recordTablePrefix(x.r, b.name, t)
		} else {
			x.prefixes = true
		}
	case rbInclude.MatchString(line):
		b.model.Bases = append(b.model.Bases, facts.Base{Name: source.FirstGroup(rbInclude, line)})
		addSoftDelete(b.model, n, line)
	case word == "self":
		addMacroColumns(b.model, n, word, line)
	}
}

// readIgnoredColumns reads the first line of a list of ignored columns.
func (x *rubyReader) readIgnoredColumns(m *facts.Model, n int, line string) {
	match := rbIgnored.FindStringIndex(line)
	list := line[match[1]:]
	addIgnoredColumns(m, list, n)
	open, _, _ := strings.Cut(list, "#")
	open = strings.TrimSpace(open)
	x.lists = strings.ContainsAny(open, "[(") && !strings.ContainsAny(open, "])") || open == "" || strings.HasSuffix(open, ",")
}

// addIgnoredColumns adds the columns that a list excludes.
func addIgnoredColumns(m *facts.Model, list string, number int) {
	list, _, _ = strings.Cut(list, "#")
	list = strings.TrimPrefix(strings.TrimSpace(list), "%w")
	list = strings.TrimPrefix(list, "%i")
	for _, name := range rbName.FindAllString(list, -1) {
		m.Without = append(m.Without, facts.Place{Name: name, Line: number})
	}
}

// recordTablePrefix records the prefix of the tables of a module.
func recordTablePrefix(r *source.File, module, prefix string) {
	if !slices.ContainsFunc(r.Facts.Prefixes, func(p facts.Prefix) bool { return p.Module == module }) {
		r.Facts.Prefixes = append(r.Facts.Prefixes, facts.Prefix{Module: module, Text: prefix})
	}
}

var (
	rubyEnum  = lazyregexp.New(`(?m)^\s*enum\s*\(?\s*(?::(\w+)\s*,\s*(?:\{|(?:\w+:))|(\w+):\s*\{)`)
	rubyLabel = lazyregexp.New(`\b(\w+)(?::|"?\s*=>)\s*["']([^"'\n]*)["']`)
)

// readRubyEnums reads the enums of ActiveRecord whose values are texts.
func readRubyEnums(r *source.File) {
	for _, m := range rubyEnum.FindAllSubmatchIndex(r.Text, -1) {
		e := facts.Enum{Class: r.GroupText(m, 1) + r.GroupText(m, 2), Line: r.LineAt(m[0])}
		from := max(m[3], m[5])
		to := from + min(len(r.Text)-from, source.MaxGlue*4)
		if n := bytes.IndexByte(r.Text[from:to], '}'); n >= 0 {
			to = from + n
		}
		for _, l := range rubyLabel.FindAllSubmatchIndex(r.Text[from:to], -1) {
			e.Labels = append(e.Labels, r.MakeLabel(string(r.Text[from+l[2]:from+l[3]]), string(r.Text[from+l[4]:from+l[5]]), from+l[0]))
		}
		r.AddEnum(e)
	}
}
