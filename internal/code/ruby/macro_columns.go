package ruby

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// rbMacros are macros whose first arguments are columns: only the first one, or all symbols.
var rbMacros = map[string]bool{
	"enum": true, "attribute": true, "serialize": true, "store": true, "store_accessor": true, "mount_uploader": true, "mount_uploaders": true,
	"encrypts": false, "normalizes": false, "attr_readonly": false, "has_secure_token": true, "validates": false, "validates_presence_of": false,
	"validates_uniqueness_of": false, "validates_length_of": false, "validates_size_of": false, "validates_format_of": false,
	"validates_inclusion_of": false, "validates_exclusion_of": false, "validates_numericality_of": false, "validates_absence_of": false,
}

// A model of Active Record names columns in its macros: enum :status, belongs_to :account, scope :recent, -> { order(:created_at) }.
var (
	rbNamed   = lazyregexp.New(`^self\.(?:discard_column|inheritance_column|locking_column|primary_key)\s*=\s*(?::(\w+)|["'](\w+)["'])`)
	rbSymbol  = lazyregexp.New(`^\s*(?::(\w+)|["'](\w+)["'])\s*(,|$|=>|\)|#)?`)
	rbKeyed   = lazyregexp.New(`^\s*\{?\s*(\w+):\s*[\[{%]`)
	rbAlias   = lazyregexp.New(`^alias_attribute[\s(]+:\w+,\s*:(\w+)`)
	rbOwner   = lazyregexp.New(`^belongs_to[\s(]+:(\w+)`)
	rbKey     = lazyregexp.New(`\bforeign_key:\s*(?::(\w+)|["'](\w+)["'])|:foreign_key\s*=>\s*(?::(\w+)|["'](\w+)["'])`)
	rbKind    = lazyregexp.New(`\bpolymorphic:\s*true|:polymorphic\s*=>\s*true`)
	rbSecret  = lazyregexp.New(`^has_secure_password(?:[\s(]+:(\w+))?`)
	rbSoft    = lazyregexp.New(`^acts_as_paranoid\b|^include\s+(Discard)::Model\b`)
	rbSoftBy  = lazyregexp.New(`\bcolumn:\s*(?::(\w+)|["'](\w+)["'])`)
	rbAsks    = lazyregexp.New(`(?:^|[\s{.(]|\.not\.)(?:where|not|rewhere|find_by|order|reorder|pluck|select|group)\(`)
	rbAskKey  = lazyregexp.New(`(?:^|[\s(,])(\w+):(?:[^:]|$)`)
	rbAskName = lazyregexp.New(`(?:^|[\s(,]):(\w+)`)
)

// addMacroColumns adds the columns that a line of a model names. word is its first word.
func addMacroColumns(m *facts.Model, n int, word, line string) {
	single, known := rbMacros[word]
	switch {
	case known:
		addSymbolColumns(m, n, single, word, line[len(word):])
	case word == "belongs_to":
		addAssociationColumns(m, n, line)
	case word == "scope", word == "default_scope":
		addScopeColumns(m, n, line)
	case word == "acts_as_paranoid":
		addSoftDelete(m, n, line)
	case word == "self":
		if name := source.FirstGroup(rbNamed, line); name != "" {
			addColumn(m, name, n)
		}
	case word == "alias_attribute":
		if name := source.FirstGroup(rbAlias, line); name != "" {
			addColumn(m, name, n)
		}
	case word == "has_secure_password":
		if name := source.FirstGroup(rbSecret, line); name != "" && name != "validations" {
			addColumn(m, name+"_digest", n)
		} else {
			addColumn(m, "password_digest", n)
		}
	}
}

func addColumn(m *facts.Model, name string, n int) {
	m.Fields = append(m.Fields, facts.Field{Field: name, Column: name, Line: n})
}

// addSymbolColumns adds the symbols at the beginning of a macro's arguments.
func addSymbolColumns(m *facts.Model, n int, single bool, word, rest string) {
	rest = strings.TrimPrefix(rest, "(")
	if k := source.FirstGroup(rbKeyed, rest); k != "" && word == "enum" {
		addColumn(m, k, n)
		return
	}
	for range maxArguments {
		s := rbSymbol.FindStringSubmatch(rest)
		if s == nil || s[3] == "=>" {
			return
		}
		addColumn(m, s[1]+s[2], n)
		if s[3] != "," || single {
			return
		}
		rest = rest[len(s[0]):]
	}
}

// maxArguments bounds how many arguments of a macro are read.
const maxArguments = 200

// addAssociationColumns adds the columns of an association.
func addAssociationColumns(m *facts.Model, n int, line string) {
	name := source.FirstGroup(rbOwner, line)
	switch key := source.FirstGroup(rbKey, line); {
	case name == "" || strings.Contains(line, "foreign_key") && key == "":
		return
	case key != "":
		addColumn(m, key, n)
	default:
		addColumn(m, name+"_id", n)
	}
	if rbKind.MatchString(line) {
		addColumn(m, name+"_type", n)
	}
}

// addSoftDelete adds the column that marks deleted rows.
func addSoftDelete(m *facts.Model, n int, line string) {
	s := rbSoft.FindStringSubmatch(line)
	switch column := source.FirstGroup(rbSoftBy, line); {
	case s == nil:
	case s[1] != "":
		addColumn(m, "discarded_at", n)
	case column != "":
		addColumn(m, column, n)
	default:
		addColumn(m, "deleted_at", n)
	}
}

// addScopeColumns adds the columns in the conditions of a scope. A condition on another model, or in a nested hash, is not one.
func addScopeColumns(m *facts.Model, n int, line string) {
	for _, match := range rbAsks.FindAllStringIndex(line, -1) {
		head := strings.TrimRight(line[:match[0]+1], ".{( ")
		if last := head[strings.LastIndexAny(head, " {(,")+1:]; last != "" && last[0] >= 'A' && last[0] <= 'Z' {
			return
		}
		arguments := topLevelText(line[match[1]:])
		for _, p := range []*lazyregexp.Regexp{rbAskKey, rbAskName} {
			for _, k := range p.FindAllStringSubmatch(arguments, -1) {
				addColumn(m, k[1], n)
			}
		}
	}
}

// topLevelText returns the text up to the closing bracket of a call, without nested brackets and texts.
func topLevelText(text string) string {
	var out strings.Builder
	depth, quote := 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			if depth--; depth < 0 {
				return out.String()
			}
		case depth == 0:
			out.WriteByte(c)
		}
	}
	return out.String()
}
