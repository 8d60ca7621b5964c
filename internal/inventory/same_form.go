package inventory

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// comparedForms are the kinds of objects that a plan creates again under another name, and then renames.
var comparedForms = []string{"index", "check", "primary key", "unique constraint", "exclusion constraint", "foreign key"}

// hasComparedForm reports whether an entry's form is compared with its successor's: unless the release itself changes it.
func (c *Comparison) hasComparedForm(e *Entry) bool {
	return slices.Contains(comparedForms, e.Kind) && !strings.Contains(e.Name, " of ") && !c.isFormSet(e)
}

// isFormSet reports whether the release itself changes the form of an entry's object.
func (c *Comparison) isFormSet(e *Entry) bool {
	return slices.Contains(c.Replaced.Sets, onward.FormOf+bareName(e.Name))
}

// findSuccessor returns the entry of the object that will get an entry's name; nil if it does not exist yet. A step renames it, or makes a key of an
// index, or it has the name already on a table that replaces the old one.
func (c *Comparison) findSuccessor(e *Entry) *Entry {
	if !c.hasComparedForm(e) {
		return nil
	}
	names, list := []string{c.Own.former[bareName(e.Name)]}, c.Old
	if !c.replacesColumn() {
		names, list = append(names, bareName(e.Name)), c.New
	}
	kinds := []string{e.Kind}
	if e.keyIndex() != nil {
		kinds = append(kinds, "index")
	}
	for i := range list {
		if slices.Contains(kinds, list[i].Kind) && slices.Contains(names, bareName(list[i].Name)) {
			return &list[i]
		}
	}
	return nil
}

// hasSameForm reports whether the successor of an entry has its form and its properties. The plan may have given it another type, so casts do not
// count, and a literal may be longer.
func (c *Comparison) hasSameForm(e, successor *Entry) bool {
	if index := e.keyIndex(); index != nil && successor.Kind == "index" {
		return c.findDeferrable(e) == c.Own.deferrable[constraintName{bareName(c.Replaced.Old), bareName(e.Name)}] && c.hasSameKeyIndex(index, successor)
	}
	if _, isKey := splitKey(e); isKey {
		return c.hasSameKeyForm(e, successor)
	}
	form, properties, _ := strings.Cut(c.renameParts(e.Definition, e.Name, successor.Name), "; ")
	other, otherProperties, _ := strings.Cut(c.renameParts(successor.Definition, "", ""), "; ")
	known := slices.Concat(strings.Split(otherProperties, "; "), c.Own.marks[bareName(e.Name)])
	for property := range strings.SplitSeq(properties, "; ") {
		if property != "" && !slices.Contains(known, property) {
			return false
		}
	}
	return c.hasSameTokens(form, other)
}

// hasSameKeyForm is [Comparison.hasSameForm] for a key. The release may have changed its columns, and a foreign key may reference a table that is replaced,
// too: then only the plan knows the form.
func (c *Comparison) hasSameKeyForm(e, successor *Entry) bool {
	renamed := Entry{Kind: e.Kind, Definition: c.renameParts(e.Definition, e.Name, successor.Name)}
	other := Entry{Kind: e.Kind, Definition: c.renameParts(successor.Definition, "", "")}
	key, _ := splitKey(&renamed)
	otherKey, _ := splitKey(&other)
	if !c.hasSameTokens(key[0], otherKey[0]) {
		return true
	}
	if form, altered := c.Own.deferrable[constraintName{bareName(c.Replaced.Old), bareName(e.Name)}]; altered {
		otherKey[1] = strings.TrimSuffix(strings.TrimSuffix(otherKey[1], deferredEnd), deferrableEnd) + form
	}
	return c.hasSameTokens(key[1], otherKey[1])
}

// keyIndex returns the index of a primary key or a unique constraint as an entry of its own; nil for another entry.
func (e *Entry) keyIndex() *Entry {
	start := strings.Index(e.Definition, "CREATE UNIQUE INDEX ")
	if start < 0 || !keyKinds[e.Kind] {
		return nil
	}
	return &Entry{Kind: "index", Name: e.Name, Definition: e.Definition[start:]}
}

// findDeferrable returns the deferrability of a key, as [OwnObjects] has it.
func (c *Comparison) findDeferrable(e *Entry) string {
	constraint, _, _ := strings.Cut(e.Definition, "; ")
	for _, form := range []string{deferrableEnd, deferredEnd} {
		if strings.HasSuffix(constraint, form) {
			return form
		}
	}
	return ""
}

// hasSameKeyIndex reports whether the index of a key and the one that becomes the key have the same settings and properties, if their columns are the
// same: see [Comparison.hasSameKeyForm].
func (c *Comparison) hasSameKeyIndex(index, successor *Entry) bool {
	columns, rest, _ := strings.Cut(c.renameParts(index.Definition, index.Name, successor.Name), ")")
	otherColumns, otherRest, _ := strings.Cut(c.renameParts(successor.Definition, "", ""), ")")
	for _, mark := range c.Own.marks[bareName(index.Name)] {
		rest = strings.Replace(rest, ", "+mark, "", 1)
	}
	return !c.hasSameTokens(columns, otherColumns) || c.hasSameTokens(rest, strings.ReplaceAll(otherRest, "; ", ", "))
}

// splitKey splits the definition of a key into its columns and the rest: deferrability and actions, the properties of the index.
func splitKey(e *Entry) (parts [2]string, isKey bool) {
	lists := map[string]int{"primary key": 1, "unique constraint": 1, "foreign key": 2}[e.Kind]
	if lists == 0 {
		return parts, false
	}
	columns, rest, _ := strings.Cut(e.Definition, ")")
	if lists == 2 {
		_, rest, _ = strings.Cut(rest, ")")
	}
	rest = strings.Replace(rest, " ON ONLY ", " ON ", 1) // of a partitioned table
	return [2]string{columns, strings.Replace(rest, " NOT VALID", "", 1)}, true
}

// hasSameTokens compares forms.
func (c *Comparison) hasSameTokens(form, other string) bool {
	return slices.EqualFunc(listFormTokens(form), listFormTokens(other), func(a, b string) bool {
		if isLiteral(a) && isLiteral(b) {
			long, short := strings.TrimSuffix(a, "'"), strings.TrimSuffix(b, "'")
			if len(long) < len(short) {
				long, short = short, long
			}
			rest, ok := strings.CutPrefix(long, short)
			return ok && (a[0] == '\'' || rest == "" || rest[0] == '.')
		}
		return a == b || slices.Contains(c.Own.columns[bareName(a)], bareName(b))
	})
}

func isLiteral(token string) bool { return token[0] == '\'' || token[0] >= '0' && token[0] <= '9' }

// typeWords follow the first word of a type's name.
var typeWords = []string{"varying", "precision", "without", "with", "time", "zone"}

// listFormTokens returns the tokens of a definition, without parentheses, casts and NOT VALID.
func listFormTokens(definition string) (tokens []string) {
	definition = strings.TrimSuffix(definition, " NOT VALID")
	var list []pgparse.Lexeme
	for x := pgparse.NextLexeme(definition, 0); x.Kind != pgparse.LexemeEnd; x = pgparse.NextLexeme(definition, x.End) {
		list = append(list, x)
	}
	text := func(i int) string {
		if i >= len(list) {
			return ""
		}
		return definition[list[i].Start:list[i].End]
	}
	for i := 0; i < len(list); i++ {
		switch word := text(i); {
		case word == "(" || word == ")":
		case word == "::" || word == ":" && text(i+1) == ":":
			if word == ":" {
				i++
			}
			i = skipType(text, i+1) - 1
		default:
			tokens = append(tokens, word)
		}
	}
	return tokens
}

// skipType returns the number of the token after a type's name.
func skipType(text func(i int) string, i int) int {
	for i++; text(i) == "."; {
		i += 2
	}
	for slices.Contains(typeWords, text(i)) || text(i) == "(" && text(i+1) != "" && isLiteral(text(i+1)) {
		for text(i) == "(" || text(i) != "" && text(i) != ")" && isLiteral(text(i)) || text(i) == "," {
			i++
		}
		i++
	}
	for text(i) == "[" && text(i+1) == "]" {
		i += 2
	}
	return i
}
